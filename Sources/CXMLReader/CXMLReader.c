#include "CXMLReader.h"

#include <libxml/xmlerror.h>
#include <libxml/xmlreader.h>

static xmlTextReaderPtr of(OutagedXMLReader *reader) { return (xmlTextReaderPtr)reader; }

static int close_nothing(void *context) {
  (void)context;
  return 0;
}

OutagedXMLReader *outaged_xml_open(OutagedXMLRead read, void *context) {
  int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOCDATA | XML_PARSE_COMPACT;
  return (OutagedXMLReader *)xmlReaderForIO(read, close_nothing, context, NULL, NULL, options);
}

void outaged_xml_close(OutagedXMLReader *reader) { xmlFreeTextReader(of(reader)); }

int outaged_xml_next(OutagedXMLReader *reader) { return xmlTextReaderRead(of(reader)); }

OutagedXMLNode outaged_xml_node(OutagedXMLReader *reader) {
  switch (xmlTextReaderNodeType(of(reader))) {
  case XML_READER_TYPE_ELEMENT: return OUTAGED_XML_ELEMENT;
  case XML_READER_TYPE_END_ELEMENT: return OUTAGED_XML_END_ELEMENT;
  case XML_READER_TYPE_TEXT:
  case XML_READER_TYPE_CDATA: return OUTAGED_XML_TEXT;
  case XML_READER_TYPE_DOCUMENT_TYPE: return OUTAGED_XML_DOCUMENT_TYPE;
  default: return OUTAGED_XML_OTHER;
  }
}

int outaged_xml_is_empty_element(OutagedXMLReader *reader) { return xmlTextReaderIsEmptyElement(of(reader)) == 1; }

int outaged_xml_next_attribute(OutagedXMLReader *reader) {
  if (xmlTextReaderMoveToNextAttribute(of(reader)) == 1) return 1;
  xmlTextReaderMoveToElement(of(reader));
  return 0;
}

static const char *text(const xmlChar *characters) { return characters ? (const char *)characters : ""; }

const char *outaged_xml_name(OutagedXMLReader *reader) { return text(xmlTextReaderConstLocalName(of(reader))); }

const char *outaged_xml_namespace(OutagedXMLReader *reader) { return text(xmlTextReaderConstNamespaceUri(of(reader))); }

const char *outaged_xml_value(OutagedXMLReader *reader) { return text(xmlTextReaderConstValue(of(reader))); }

const char *outaged_xml_fault(int *line, int *ends_too_early) {
  const xmlError *error = xmlGetLastError();
  *line = error ? error->line : 0;
  switch (error ? error->code : 0) {
  case XML_ERR_DOCUMENT_END:
  case XML_ERR_DOCUMENT_EMPTY:
  case XML_ERR_TAG_NOT_FINISHED:
  case XML_ERR_GT_REQUIRED:
  case XML_ERR_LT_REQUIRED:
  case XML_ERR_LTSLASH_REQUIRED:
  case XML_ERR_NAME_REQUIRED:
  case XML_ERR_SPACE_REQUIRED:
  case XML_ERR_COMMENT_NOT_FINISHED:
  case XML_ERR_CDATA_NOT_FINISHED:
  case XML_ERR_ATTRIBUTE_NOT_FINISHED: *ends_too_early = 1; break;
  default: *ends_too_early = 0;
  }
  return error && error->message ? error->message : "no message";
}
