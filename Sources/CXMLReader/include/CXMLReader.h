// A pull reader of XML over libxml2, in functions that need none of its headers: those bring in ICU's, which Foundation has in a form of its own.

#ifndef CXMLREADER_H
#define CXMLREADER_H

typedef struct OutagedXMLReader OutagedXMLReader;

typedef enum {
  OUTAGED_XML_OTHER = 0,
  OUTAGED_XML_ELEMENT,
  OUTAGED_XML_END_ELEMENT,
  OUTAGED_XML_TEXT,
  OUTAGED_XML_DOCUMENT_TYPE,
} OutagedXMLNode;

/// Fills `target` with at most `count` bytes; 0 at the end, -1 for a fault.
typedef int (*OutagedXMLRead)(void *context, char *target, int count);

/// Nothing but what `read` gives is read, and no entity is expanded. NULL if there is no memory.
OutagedXMLReader *outaged_xml_open(OutagedXMLRead read, void *context);
void outaged_xml_close(OutagedXMLReader *reader);

/// Goes on to the next node: 1; 0 at the end; -1 for a fault.
int outaged_xml_next(OutagedXMLReader *reader);
OutagedXMLNode outaged_xml_node(OutagedXMLReader *reader);
int outaged_xml_is_empty_element(OutagedXMLReader *reader);
/// Goes on to the element's next attribute: 1, or 0 after the last, and back on the element then.
int outaged_xml_next_attribute(OutagedXMLReader *reader);
/// Of the element or attribute, without a prefix.
const char *outaged_xml_name(OutagedXMLReader *reader);
const char *outaged_xml_namespace(OutagedXMLReader *reader);
/// Of the text or attribute.
const char *outaged_xml_value(OutagedXMLReader *reader);

/// The last fault: its message, its line, and whether it is that the document ends too early.
const char *outaged_xml_fault(int *line, int *ends_too_early);

#endif
