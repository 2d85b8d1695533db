#!/bin/sh
# Flips the comparisons of the exact kernels one at a time and shows that a test fails for each.
#
#   Bench/mutation-check.sh [NUMBER ...]     all mutations, or only those with these numbers
#
# Works on a copy of the module and its tests. Exits 1 if a mutation survives, or no longer applies to the source.
# Left out: changes that cannot change an answer (the filters named isBeyond, the leaf size, the other half-open rule, when to rebuild).
set -u
here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

mkdir -p "$work/Sources" "$work/Tests"
cp -R "$here/Sources/PointLocation" "$here/Sources/CCacheLine" "$here/Sources/CCellParts" "$here/Sources/CCrossings" "$here/Sources/CGEOS" \
  "$work/Sources/"
cp -R "$here/Tests/PointLocationTests" "$work/Tests/"
mkdir "$work/original"
cp -R "$here/Sources/PointLocation" "$here/Sources/CCellParts" "$here/Sources/CCrossings" "$work/original/"
cat > "$work/Package.swift" <<'EOF'
// swift-tools-version: 6.2
import PackageDescription
let package = Package(
  name: "Mutated",
  targets: [
    .systemLibrary(name: "CGEOS", pkgConfig: "geos"),
    .target(name: "CCacheLine"),
    .target(name: "CCellParts"),
    .target(name: "CCrossings"),
    .target(name: "PointLocation", dependencies: ["CCacheLine", "CCellParts", "CCrossings"]),
    .testTarget(name: "PointLocationTests", dependencies: ["PointLocation", "CCellParts", "CCrossings", "CGEOS"]),
  ])
EOF

number=0
survivors=0
run=0

# Whether the tests pass in time. The limit ends the runner, and not the tests that it has started: those that go on for ever are ended here.
timed_tests() {
  (cd "$work" && timeout 300 swift test --skip-build > test.log 2>&1)
  passed=$?
  for process in $(pgrep -f "^$work/"); do kill -9 "$process"; done
  return $passed
}

# mutate FILE TEXT REPLACEMENT: the text must stand in the file; its first occurrence is replaced.
mutate() {
  number=$((number + 1))
  case " $chosen " in *" $number "* | "  ") ;; *) return ;; esac
  run=$((run + 1))
  rm -rf "$work/Sources/PointLocation" "$work/Sources/CCellParts" "$work/Sources/CCrossings"
  cp -R "$work/original/." "$work/Sources/"
  case $1 in *.h) file=${1%.h}/include/$1 ;; *) file=PointLocation/$1 ;; esac
  if ! FROM=$2 TO=$3 perl -0pi -e 'BEGIN { $n = 0 } $n += s/\Q$ENV{FROM}\E/$ENV{TO}/; END { exit($n ? 0 : 1) }' \
    "$work/Sources/$file"; then
    echo "$number  STALE     $1: no \"$2\""
    survivors=$((survivors + 1))
    return
  fi
  if ! (cd "$work" && swift build --build-tests > build.log 2>&1); then
    echo "$number  UNBUILT   $1: $2  ->  $3"
    tail -5 "$work/build.log"
    survivors=$((survivors + 1))
  elif timed_tests; then
    echo "$number  SURVIVED  $1: $2  ->  $3"
    survivors=$((survivors + 1))
  else
    failed=$(sed -n 's/^✘ Test "\(.*\)" .*failed after.*/\1/p' "$work/test.log" | sort -u | head -1)
    echo "$number  killed    $1: $2  ->  $3  (${failed:-stopped by a trap or the time limit})"
  fi
}

chosen=$*

if ! (cd "$work" && swift build --build-tests > build.log 2>&1 && swift test --skip-build > test.log 2>&1); then
  echo "The tests fail before anything is changed:"
  tail -20 "$work/build.log" "$work/test.log"
  exit 1
fi

mutate Orientation.swift ' + 0x1p-900' ''
mutate Orientation.swift '3.330_669_073_875_471_6e-16' '0.330_669_073_875_471_6e-16'
mutate Orientation.swift 'sum.add(-cx, times: by)' 'sum.add(cx, times: by)'
mutate Orientation.swift 'grow((-product).addingProduct(a, b))' 'grow(0)'
mutate Orientation.swift '(carry - (sum - virtual)) + (component - virtual)' 'component - virtual'
mutate Orientation.swift 'var index = count - 1' 'var index = count - 2'
mutate RingCrossing.swift '(ay <= y) == (by <= y)' '(ay <= y) == (by < y)'
mutate RingCrossing.swift '(ax <= x) != (bx <= x)' '(ax < x) == (bx < x)'
mutate RingCrossing.swift 'if ax < x && bx < x { return .none }' 'if ax < x || bx < x { return .none }'
mutate RingCrossing.swift 'if ax > x && bx > x { return .crosses }' 'if ax > x || bx > x { return .crosses }'
mutate RingCrossing.swift 'if side == 0 { return .boundary }' 'if side == 2 { return .boundary }'
mutate RingCrossing.swift '(side > 0) == (by > ay)' '(side < 0) == (by > ay)'
mutate RingCrossing.swift 'isInside.toggle()' 'isInside = true'
mutate PathCrossing.swift '(ay > py) != (by > py)' '(ay >= py) != (by >= py)'
mutate PathCrossing.swift '(ay > py) != (by > py)' '(ay > py) != (by >= py)'
mutate PathCrossing.swift '(ax > rx) != (bx > rx)' '(ax > rx) != (bx >= rx)'
mutate PathCrossing.swift 'if side == 0 { return .onEdge }' 'if side == 2 { return .onEdge }'
mutate PathCrossing.swift 'side != cornerSide(ax, ay, bx, by, rx, py)' 'side == cornerSide(ax, ay, bx, by, rx, py)'
mutate PathCrossing.swift '(ax < px) != (bx < px)' '(ax < px) == (bx < px)'
mutate PathCrossing.swift 'if ax == px || by == py' 'if ax == py || by == py'
mutate PathCrossing.swift 'orientation(ax, ay, bx, by, rx, ry) != cornerSide' 'orientation(ax, ay, bx, by, rx, ry) == cornerSide'
mutate PathCrossing.swift 'if ax == px && ay == py { return .onEdge }' 'if ax == px && ay != py { return .onEdge }'
mutate PathCrossing.swift 'crossings & 1 == 0' 'crossings == 0'
mutate PathCrossing.swift 'return by > ay ? -1 : 1' 'return by > ay ? 1 : -1'
mutate PathCrossing.swift 'return bx > ax ? 1 : -1' 'return bx > ax ? -1 : 1'
mutate PathCrossing.swift 'if side != 0 { return side }' 'if side > 0 { return side }'
mutate CellDivider.swift '(ax > reference.x) != (bx > reference.x)' '(ax > reference.x) == (bx > reference.x)'
mutate CellDivider.swift 'guard (ay > y) != (by > y) else' 'guard (ay > y) == (by > y) else'
mutate CellDivider.swift 'if pointSide == 0 { return nil }' ''
mutate CellDivider.swift 'if pointSide != rightSide { break }' 'if pointSide == rightSide { break }'
mutate CellDivider.swift 'meetsColumn && cornerSide != orientation' 'meetsColumn && cornerSide == orientation'
mutate EdgeLanes.swift 'marks & ~(marks &>> 16)' 'marks'
mutate CellIndexBuilder.swift '~column & 1 | (~row & 1) << 1' 'column & 1 | (~row & 1) << 1'
mutate EdgeLanes.swift 'touching & ~(touching &<< 1)' 'touching & ~(touching &<< 2)'
mutate EdgeLanes.swift 'isNew && entry.pointee.holdsReference' 'entry.pointee.holdsReference'
mutate EdgeLanes.swift 'last ?? source.place(of: end)' 'last ?? source.place(of: vertex - 1)'
mutate EdgeLanes.swift 'edges[Int(end) / Self.wordLanes] &= ~(1 &<< UInt64(end))' 'edges[Int(end) / Self.wordLanes] &= .max'
mutate EdgeLanes.swift 'before &>> 63 & touching != 0' 'touching & 1 != 0'
mutate EdgeLanes.swift 'marks ^= UInt32(parts)' 'marks |= UInt32(parts)'
mutate PartGrid.swift 'referenceColumn <= box.maxColumn &+ 1' 'referenceColumn <= box.minColumn &- 1'
mutate PartGrid.swift '(box.maxRow &- pointRow &+ 1) &>> pointShift' '(box.minRow &- pointRow &- 2) &>> pointShift'
mutate PartGrid.swift '(columns | rows) &>> shift == 0' 'columns &>> shift == 0'
mutate PartGrid.swift '(UInt(half) &+ 2) &*' '(UInt(half) / 2) &*'
mutate PartGrid.swift 'guard area.magnitude > error else' 'guard area != 0 else'
mutate PartGrid.swift 'isBelow == ascends ? lastColumn' 'isBelow != ascends ? lastColumn'
mutate PartGrid.swift '~meetsColumn & Int(fromAX)' '~meetsColumn & ~Int(fromAX)'
mutate PartGrid.swift 'meetsLine & place.inDoubt' '0 & place.inDoubt'
mutate PartGrid.swift '(corner.isRight ^ reference.isRight)' '~(corner.isRight ^ reference.isRight)'
mutate PartGrid.swift 'rightIsRight = Int(fromAY)' 'rightIsRight = ~Int(fromAY)'
mutate PartGrid.swift 'sharesReferences ? 0x11 : 1' '1'
mutate PartGrid.swift 'area.magnitude &- error &- 1' 'area.magnitude &- 1'
mutate PartGrid.swift 'sharesReferences ? 0x33 : 1' 'sharesReferences ? 0x11 : 1'
mutate CCellParts.h 'ccellparts_below(spans, part + 1)' 'ccellparts_below(spans, part)'
mutate CCellParts.h '_mm_max_pd(most, units)' '_mm_max_pd(most, most)'
mutate CCellParts.h '(columns_of_edge & (rows_of_edge | y[4])) | (rows_of_edge & x[4])' 'columns_of_edge & rows_of_edge'
mutate CCellParts.h 'ccellparts_below(spans, line + 3)' 'ccellparts_below(spans, line - 3)'
mutate CCellParts.h '_mm_cmpeq_epi16(_mm_max_epi16(eight.columns, eight.rows), top)' 'zero'
mutate LaidPieces.swift 'if !isRepeated { move' 'if true { move'
mutate LaidPieces.swift ' &- other.setsStart' ''
mutate LaidPieces.swift 'state.entries[order[state.turn]] =' 'state.entries[state.turn] ='
mutate LaidPieces.swift 'state.entries[order[turn]] =' 'state.entries[turn] ='
mutate SetTable.swift 'if set < firstKnown' 'if set == 0'
mutate CellIndexBuilder.swift 'holdsReference = false' 'holdsReference = run.holdsReference'
mutate CellStack.swift 'let isLess = one < other' 'let isLess = one > other'
mutate CellStack.swift 'wholes.pointer[range.first + some] = .max' 'wholes.pointer[range.first + some] = 0'
mutate CompactGrid.swift '0b01_10_10_00_00 >>' '0b01_10_00_10_00 >>'
mutate CompactGrid.swift '0b01_10_00_10_00 >>' '0b10_10_00_10_00 >>'
mutate CellFrame.swift '{ return (0.5, 0.5) }' '{ return (0.5, 0.25) }'
mutate EdgeLanes.swift 'parts[0] | parts[1] | parts[4] | parts[5]' 'parts[0] | parts[1] | parts[4]'
mutate FrameVertices.swift 'box.maxX, y: box.maxY' 'box.minX, y: box.maxY'
mutate CellDivider.swift 'number >> 1 & 1, sideBits: 1' 'number & 1, sideBits: 1'
mutate CellIndex.swift 'answer.inside != 0 || leaf.set != 0' 'answer.inside != 0'
mutate CellIndex.swift 'shift &-= 2' 'shift &-= 1'
mutate CellIndex.swift 'rootBits &- 2' 'rootBits &- 1'
mutate CellFrame.swift '(place.row >> bits) << bits' '(place.row >> bits) << (bits + 1)'
mutate EdgeLeaf.swift 'whole[nextWhole] < polygon' 'whole[nextWhole] > polygon'
mutate CellFrame.swift 'u >= 0, v >= 0' 'u > 0, v >= 0'
mutate EdgeLeaf.swift 'if isInside || isOnEdge' 'if isInside'
mutate CompactLeaf.swift 'if isInside || isOnEdge' 'if isInside'
mutate EdgeLeaf.swift 'while head.polygon == polygon' 'while head.polygon != polygon'
mutate CCrossings.h '(pax, pbx), CCROSSINGS(min_epi16)(pay, pby)' '(pax, pbx), CCROSSINGS(max_epi16)(pay, pby)'
mutate CCrossings.h 'meets_column & ccrossings_zero(corner_side)' 'meets_column & zero'
mutate CCrossings.h '(bound.low, three)' '(three, three)'
mutate CCrossings.h 'ccrossings_positive(point_side)' 'ccrossings_positive(corner_side)'
mutate CCrossings.h 'ccrossings_sum(rax, rby, ray, rxb)' 'ccrossings_sum(rax, rby, ray, pxb)'
mutate UnpackedLeaf.swift 'after ^ before ^ head.holdsReference' 'after ^ head.holdsReference'
mutate UnpackedLeaf.swift 'doubts & edges != 0' 'doubts & edges == 1'
mutate UnpackedLeaf.swift 'parity ^= parity << 4' 'parity ^= 0'
mutate UnpackedLeaf.swift 'lane < vertexCount - 1' 'lane < vertexCount - 9'
mutate CompactLeafWriter.swift 'isNew ? run.holdsReference' 'isNew ? false'
mutate CompactLeafWriter.swift 'isNew ? first : polygonStart' 'isNew ? 0 : polygonStart'
mutate CellShares.swift 'wholes[whole] < runs[run].polygon' 'wholes[whole] > runs[run].polygon'
mutate CellShares.swift 'runs[run].polygon == runs[run - 1].polygon' 'false'
mutate CellBatch.swift 'answers[point] = CellAnswer(entry: 0)' '_ = point'
mutate CellBatch.swift 'others != 0 && !unpacked.hasEdge(near: least, most)' 'others != 0'
mutate CellBatch.swift 'CompactUnits.extend(&least, &most, by: units[point])' ''
mutate UnpackedLeaf.swift 'return meeting & edges != 0' 'return meeting & edges == 1'
mutate CCrossings.h 'each | each >> 8' 'each'
mutate HitList.swift 'storage[place - 1] > id' 'storage[place - 1] < id'
mutate HitList.swift 'storage[head - 1] > copy[tail - 1]' 'storage[head - 1] < copy[tail - 1]'
mutate HitList.swift 'head > start' 'head > 0'
mutate HitList.swift 'kept += name == .max ? 0 : 1' 'kept += 1'
mutate Box.swift 'minX <= other.maxX' 'minX < other.maxX'
mutate Box.swift 'minX <= x && x <= maxX' 'minX < x && x <= maxX'
mutate PointCoverage+updated.swift 'place += new == .max ? 0 : 1' 'place += 1'
mutate PointCoverage+updated.swift 'entry.old == old' 'entry.old >= 0'
mutate PointCoverage+updated.swift 'members.sort()' '_ = members.count'
mutate PointCoverage+updated.swift 'if members.count == 0 { return 0 }' ''
mutate SetNumbers.swift 'kept * 2 > count' 'kept < 0'
mutate SetNumbers.swift 'isWhole ? page : place' 'place'
mutate PointCoverage+updated.swift 'members.count == before.count' 'members.count <= before.count'
mutate PointCoverage+updated.swift 'members.equals(before)' 'members.count == before.count'
mutate FlatSets.swift 'if ascends { return }' 'if !ascends { return }'
mutate PolygonIndex+updated.swift 'id <= last { ascends = false }' 'id < 0 { ascends = false }'
mutate PolygonIndex+updated.swift 'if ids[ends[middle]] < id' 'if ids[ends[middle]] > id'
mutate PolygonIndex+updated.swift 'moved.changes.sort { $0.id < $1.id }' '_ = loose.isEmpty'
mutate PointIndex.swift '(x .>= least.x)' '(x .> least.x)'
mutate PointIndex.swift '(y .<= most.y)' '(y .< most.y)'
mutate PointSide.swift 'highs.error + lows.sum' 'highs.error'
mutate PointSide.swift 'lows.error + sum.low' 'sum.low'
mutate PointSide.swift 'a.high * b.low + a.low * b.high' 'a.high * b.low'
mutate PointSide.swift '1e-15 * sum' '1e-25 * sum'
mutate RingCrossing.swift 'pointSide(ax' 'orientation(ax'
mutate PathCrossing.swift 'pointSide(ax' 'orientation(ax'
mutate EarthDistance.swift 'chordMetres - strayMetres > limitMetres' 'chordMetres > limitMetres * 0.9'
mutate EarthDistance.swift 'holdsPole ? 360' 'holdsPole ? 1'
mutate PolygonIndex.swift 'for turns in -1...1' 'for turns in 0...0'

echo "$run mutations, $((run - survivors)) killed, $survivors not"
[ "$survivors" = 0 ]
