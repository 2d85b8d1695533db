// The outages' ids as answers list them.

import ByteBuffers
import PointLocation

/// The outages' ids as JSON strings, by number.
///
/// Nearly all are short and stand at equal distances, so that one is read with one access and copied in two blocks.
struct OutageIdList: Sendable {
  /// A comma and the text.
  private struct Slot: BitwiseCopyable {
    var low: SIMD16<UInt8>
    /// The last byte is the number of the bytes before, or 0 where they are too many.
    var high: SIMD16<UInt8>

    static let byteCountMax = 31

    var byteCount: Int { Int(high[15]) }
  }

  private let slots: FlatArray<Slot>
  let texts: RenderedTexts

  init(_ texts: RenderedTexts) {
    self.texts = texts
    slots = FlatArray(count: texts.count) { slots in
      for number in 0..<texts.count {
        let text = texts[number]
        var slot = Slot(low: .zero, high: .zero)
        if text.count < Slot.byteCountMax {
          slot.low[0] = UInt8(ascii: ",")
          withUnsafeMutableBytes(of: &slot) {
            UnsafeMutableRawBufferPointer(rebasing: $0[1...]).copyMemory(from: text)
          }
          slot.high[15] = UInt8(text.count + 1)
        }
        slots.initializeElement(at: number, to: slot)
      }
    }
  }

  /// Appends the ids of some outages but for one, with commas between them.
  @inline(__always)
  func append(_ numbers: UnsafeBufferPointer<UInt32>, but excepted: UInt32, to output: inout ByteBuffer) {
    let start = output.count
    // The first one's comma takes the place of the byte before, which is put back.
    let before = output.bytes[start - 1]
    output.truncate(to: start - 1)
    for number in numbers where number != excepted {
      let slot = slots[Int(number)]
      if _slowPath(slot.byteCount == 0) {
        output.append(UInt8(ascii: ","))
        output.append(texts[Int(number)])
        continue
      }
      output.append(atMost: MemoryLayout<Slot>.size) { target in
        UnsafeMutableRawPointer(target).storeBytes(of: slot, as: Slot.self)
        return slot.byteCount
      }
    }
    if output.count < start {
      output.append(before)
    } else {
      output.replaceByte(at: start - 1, with: before)
    }
  }
}
