package web_test

import (
	"bytes"
	"encoding/binary"
	"maps"
	"slices"
)

// A boxFont draws every character as the same box, in TrueType: with it the page looks
// the same whatever fonts a machine has. A table is a list of big-endian values.
func boxFont() []byte {
	type (
		u8  = uint8
		i16 = int16
		u16 = uint16
		u32 = uint32
		u64 = uint64
	)
	const em, wide, high, low = 1000, 540, 700, -200 // of the box in its em
	table := func(values ...any) []byte {
		var b bytes.Buffer
		for _, v := range values {
			if err := binary.Write(&b, binary.BigEndian, v); err != nil {
				panic(err)
			}
		}
		for b.Len()%4 != 0 {
			b.WriteByte(0)
		}
		return b.Bytes()
	}
	box := table(i16(1), i16(60), i16(0), i16(wide-60), i16(high-200), // one contour, its bounds
		u16(3), u16(0), // ends with point 3, no instructions
		[4]u8{1, 1, 1, 1}, [4]i16{60, 0, wide - 120, 0}, [4]i16{0, high - 200, 0, 200 - high})
	tables := map[string][]byte{
		"OS/2": table(u16(4), i16(wide), u16(400), u16(5), u16(0), [10]i16{}, i16(0), [10]u8{}, [4]u32{}, [4]u8{'n', 'o', 'n', 'e'}, u16(0x40),
			u16(0), u16(0xffff), i16(high), i16(low), i16(0), u16(high), u16(-low), u32(0), u32(0), i16(500), i16(high), u16(0), u16(32), u16(1)),
		// One range of format 13 leads from all characters to one glyph.
		"cmap": table(u16(0), u16(1), u16(3), u16(10), u32(12), u16(13), u16(0), u32(28), u32(0), u32(1), u32(0x21), u32(0x10ffff), u32(1)),
		"glyf": box,
		"head": table(u32(0x10000), u32(0x10000), u32(0), u32(0x5f0f3cf5), u16(3), u16(em), u64(0), u64(0),
			i16(60), i16(0), i16(wide-60), i16(high-200), u16(0), u16(8), i16(2), i16(1), i16(0)),
		"hhea": table(u32(0x10000), i16(high+250), i16(low), i16(0), u16(wide), i16(0), i16(0), i16(wide), [8]i16{1}, u16(2)),
		"hmtx": table(u16(wide), i16(0), u16(wide), i16(60)),
		"loca": table([3]u32{0, 0, u32(len(box))}),
		"maxp": table(u32(0x10000), u16(2), u16(4), u16(1), u16(0), u16(0), u16(2), [8]u16{}),
		"name": table(u16(0), u16(0), u16(6)),
		"post": table(u32(0x30000), [7]u32{}),
	}
	names := slices.Sorted(maps.Keys(tables))
	n := len(names)
	font := table(u32(0x10000), u16(n), u16(128), u16(3), u16(n*16-128))
	at := len(font) + 16*n
	var body []byte
	for _, name := range names {
		data := tables[name]
		var sum u32
		for i := 0; i < len(data); i += 4 {
			sum += binary.BigEndian.Uint32(data[i:])
		}
		font = append(font, table([]byte(name), sum, u32(at+len(body)), u32(len(data)))...)
		body = append(body, data...)
	}
	return append(font, body...)
}
