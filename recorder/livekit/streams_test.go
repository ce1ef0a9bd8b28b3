package livekit

import (
	"bytes"
	"compress/flate"
	"fmt"
	"strings"
	"testing"
	"time"

	lkproto "github.com/livekit/protocol/livekit"
	"google.golang.org/protobuf/proto"
)

func textHeader(id string) *lkproto.DataStream_Header {
	return &lkproto.DataStream_Header{StreamId: id, Topic: chatTopic,
		ContentHeader: &lkproto.DataStream_Header_TextHeader{TextHeader: &lkproto.DataStream_TextHeader{}}}
}

func chunkOf(id string, n int, content string) *lkproto.DataStream_Chunk {
	return &lkproto.DataStream_Chunk{StreamId: id, ChunkIndex: uint64(n), Content: []byte(content)}
}

func trailerOf(id string) *lkproto.DataStream_Trailer {
	return &lkproto.DataStream_Trailer{StreamId: id}
}

// deflated is content as version 2 of data streams compresses it.
func deflated(t testing.TB, content string) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestStreams(t *testing.T) {
	now := time.Now()
	huge := strings.Repeat("x", keptText+100)
	for _, tt := range []struct {
		name string
		send func(x *streams) []*stream
		want string
		all  bool
	}{
		{"a text", func(x *streams) []*stream {
			x.begin("ada", "ada", false, textHeader("s"), now)
			x.chunk("ada", false, chunkOf("s", 0, "hel"), now)
			x.chunk("ada", false, chunkOf("s", 1, "lo"), now)
			return x.trailer("ada", false, trailerOf("s"))
		}, "hello", true},
		{"as long as said", func(x *streams) []*stream {
			h := textHeader("s")
			h.TotalLength = proto.Uint64(5)
			x.begin("ada", "ada", false, h, now)
			x.chunk("ada", false, chunkOf("s", 0, "hello"), now)
			return x.trailer("ada", false, trailerOf("s"))
		}, "hello", true},
		{"shorter than said", func(x *streams) []*stream {
			h := textHeader("s")
			h.TotalLength = proto.Uint64(1 << 63)
			x.begin("ada", "ada", false, h, now)
			x.chunk("ada", false, chunkOf("s", 0, "hello"), now)
			return x.trailer("ada", false, trailerOf("s"))
		}, "hello", false},
		{"interrupted", func(x *streams) []*stream {
			x.begin("ada", "ada", false, textHeader("s"), now)
			x.chunk("ada", false, chunkOf("s", 0, "hel"), now)
			return x.trailer("ada", false, &lkproto.DataStream_Trailer{StreamId: "s", Reason: "error"})
		}, "hel", false},
		{"a piece is missing", func(x *streams) []*stream {
			x.begin("ada", "ada", false, textHeader("s"), now)
			x.chunk("ada", false, chunkOf("s", 0, "h"), now)
			x.chunk("ada", false, chunkOf("s", 2, "o"), now)
			return x.trailer("ada", false, trailerOf("s"))
		}, "h", false},
		{"a piece twice", func(x *streams) []*stream {
			x.begin("ada", "ada", false, textHeader("s"), now)
			x.chunk("ada", false, chunkOf("s", 0, "he"), now)
			x.chunk("ada", false, chunkOf("s", 0, "HE"), now)
			x.chunk("ada", false, chunkOf("s", 1, "llo"), now)
			return x.trailer("ada", false, trailerOf("s"))
		}, "hello", true},
		{"of others and not sealed", func(x *streams) []*stream {
			x.begin("ada", "ada", true, textHeader("s"), now)
			x.chunk("ada", true, chunkOf("s", 0, "hel"), now)
			x.chunk("bob", true, chunkOf("s", 1, "bob"), now)
			x.chunk("ada", false, chunkOf("s", 1, "server"), now)
			x.trailer("bob", true, trailerOf("s"))
			x.trailer("ada", false, trailerOf("s"))
			x.chunk("ada", true, chunkOf("s", 1, "lo"), now)
			return x.trailer("ada", true, trailerOf("s"))
		}, "hello", true},
		{"longer than is kept", func(x *streams) []*stream {
			x.begin("ada", "ada", false, textHeader("s"), now)
			x.open[streamKey{"ada", "s", false}].keep = 3
			x.chunk("ada", false, chunkOf("s", 0, "he"), now)
			x.chunk("ada", false, chunkOf("s", 1, "llo"), now)
			return x.trailer("ada", false, trailerOf("s"))
		}, "hel", false},
		{"in its header", func(x *streams) []*stream {
			h := textHeader("s")
			h.InlineContent = []byte("hello")
			return x.begin("ada", "ada", false, h, now)
		}, "hello", true},
		{"in its header, and long", func(x *streams) []*stream {
			h := textHeader("s")
			h.InlineContent = []byte(huge)
			return x.begin("ada", "ada", false, h, now)
		}, huge[:keptText], false},
		{"compressed", func(x *streams) []*stream {
			h := textHeader("s")
			h.Compression = lkproto.DataStream_DEFLATE_RAW
			b := deflated(t, "hello hello hello")
			x.begin("ada", "ada", false, h, now)
			x.chunk("ada", false, chunkOf("s", 0, string(b[:3])), now)
			x.chunk("ada", false, chunkOf("s", 1, string(b[3:])), now)
			return x.trailer("ada", false, trailerOf("s"))
		}, "hello hello hello", true},
		{"compressed a thousandfold", func(x *streams) []*stream {
			h := textHeader("s")
			h.Compression = lkproto.DataStream_DEFLATE_RAW
			h.InlineContent = deflated(t, huge)
			return x.begin("ada", "ada", false, h, now)
		}, huge[:keptText], false},
		{"compressed badly", func(x *streams) []*stream {
			h := textHeader("s")
			h.Compression = lkproto.DataStream_DEFLATE_RAW
			h.InlineContent = []byte("hello")
			return x.begin("ada", "ada", false, h, now)
		}, "", false},
		{"begun anew", func(x *streams) []*stream {
			x.begin("ada", "ada", false, textHeader("s"), now)
			x.chunk("ada", false, chunkOf("s", 0, "hel"), now)
			return x.begin("ada", "ada", false, textHeader("s"), now)
		}, "hel", false},
		{"without an end", func(x *streams) []*stream {
			x.begin("ada", "ada", false, textHeader("s"), now)
			x.chunk("ada", false, chunkOf("s", 0, "hel"), now)
			if over := x.expire(now.Add(streamIdle - 1)); len(over) > 0 {
				return nil
			}
			return x.expire(now.Add(streamIdle))
		}, "hel", false},
		{"that goes on for ever", func(x *streams) (over []*stream) {
			x.begin("ada", "ada", false, textHeader("s"), now)
			for n := 0; len(over) == 0 && n < 1000; n++ {
				now = now.Add(streamIdle - 1)
				x.chunk("ada", false, chunkOf("s", n, "."), now)
				over = x.expire(now)
			}
			return over
		}, strings.Repeat(".", 21), false},
		{"with a name that is too long", func(x *streams) []*stream {
			return x.begin("ada", "ada", false, textHeader(strings.Repeat("s", 1000)), now)
		}, "", false},
	} {
		x := newStreams(roomBounds)
		over := tt.send(x)
		if len(over) != 1 {
			t.Errorf("%s: %d streams are over, want 1", tt.name, len(over))
			continue
		}
		if b, all := over[0].content(); all != tt.all || (tt.want != "" || tt.all) && string(b) != tt.want {
			t.Errorf("%s: %.40q, all %v, want %.40q, %v", tt.name, b, all, tt.want, tt.all)
		}
	}
}

// Whoever begins streams and never ends them loses their own, not those of others,
// and can still write.
func TestStreamsHaveShares(t *testing.T) {
	now := time.Now()
	x := newStreams(roomBounds)
	x.begin("ada", "ada", false, textHeader("a"), now)
	lost := 0
	for n := range 50_000 {
		now = now.Add(time.Microsecond)
		from := fmt.Sprintf("mallory %d", n%100)
		for _, st := range x.begin(from, from, false, textHeader(fmt.Sprint(n)), now) {
			if st.from == "ada" {
				t.Fatal("ada lost her stream to another's")
			}
			lost++
		}
		if len(x.open) > roomBounds.roomStreams {
			t.Fatalf("%d streams", len(x.open))
		}
	}
	if lost != 50_001-len(x.open) {
		t.Errorf("%d streams are under way and %d lost, of 50,001", len(x.open), lost)
	}
	x.chunk("ada", false, chunkOf("a", 0, "yes"), now)
	over := x.trailer("ada", false, trailerOf("a"))
	if len(over) != 1 || string(over[0].kept) != "yes" || !over[0].whole {
		t.Errorf("ada's: %+v", over)
	}
	x.begin("mallory 1", "mallory 1", false, textHeader("now"), now)
	x.chunk("mallory 1", false, chunkOf("now", 0, "no"), now)
	if over := x.trailer("mallory 1", false, trailerOf("now")); len(over) != 1 || string(over[0].kept) != "no" || !over[0].whole {
		t.Errorf("mallory's: %+v", over)
	}
	x.giveUp()
	x.checkShares(t)
}

// What is kept of streams is bounded in bytes, too: that of one sender, and of all.
func TestStreamsAreBoundedInBytes(t *testing.T) {
	now := time.Now()
	b := bounds{senderStreams: 100, senderBytes: 1000, roomStreams: 1000, roomBytes: 5000}
	x := newStreams(b)
	x.begin("ada", "ada", false, textHeader("a"), now)
	x.chunk("ada", false, chunkOf("a", 0, strings.Repeat("a", 400)), now)
	for n := range 1000 {
		now = now.Add(time.Microsecond)
		from, id := fmt.Sprintf("mallory %d", n%10), fmt.Sprint(n)
		over := x.begin(from, from, false, textHeader(id), now)
		over = append(over, x.chunk(from, false, chunkOf(id, 0, strings.Repeat("m", 300)), now)...)
		for _, st := range over {
			if st.from == "ada" {
				t.Fatal("ada lost her stream to another's")
			}
		}
		x.checkShares(t)
	}
	x.chunk("ada", false, chunkOf("a", 1, strings.Repeat("a", 100)), now)
	if over := x.trailer("ada", false, trailerOf("a")); len(over) != 1 || len(over[0].kept) != 500 || !over[0].whole {
		t.Errorf("ada's: %+v", over)
	}
}

// checkShares holds streams to their bounds and their books.
func (x *streams) checkShares(t testing.TB) {
	t.Helper()
	streams, kept, bytes := make(map[string]int), make(map[string]int), 0
	for key, st := range x.open {
		streams[key.from]++
		kept[key.from] += len(st.kept)
		bytes += len(st.kept)
	}
	if len(x.open) > x.bounds.roomStreams || bytes > x.bounds.roomBytes || bytes != x.bytes || len(streams) != len(x.shares) {
		t.Fatalf("%d streams of %d senders with %d bytes; the books have %d senders and %d bytes", len(x.open), len(streams), bytes, len(x.shares), x.bytes)
	}
	for from, s := range x.shares {
		if len(s.streams) != streams[from] || s.bytes != kept[from] || len(s.streams) > x.bounds.senderStreams || s.bytes > x.bounds.senderBytes {
			t.Fatalf("%s has %d streams with %d bytes; the books have %d with %d", from, streams[from], kept[from], len(s.streams), s.bytes)
		}
	}
}

// FuzzStreams: whatever senders begin, continue and end, the bounds hold, every
// stream that was begun is over once, and one honest sender's text comes whole.
func FuzzStreams(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15})
	f.Add(bytes.Repeat([]byte{0x00, 0x41, 0x82, 0xc3}, 64))
	f.Add(bytes.Repeat([]byte{0x10, 0x51}, 200))
	f.Fuzz(func(t *testing.T, ops []byte) {
		now := time.Unix(0, 0)
		x := newStreams(bounds{senderStreams: 3, senderBytes: 400, roomStreams: 9, roomBytes: 900})
		begun, over := 0, 0
		honest := 0
		take := func(ended []*stream) {
			over += len(ended)
			for _, st := range ended {
				b, all := st.content()
				if len(b) > st.keep || all && !st.whole {
					t.Fatalf("%d bytes of %d, all %v of whole %v", len(b), st.keep, all, st.whole)
				}
				if st.from == "ada" && string(b) == strings.Repeat("a", 50) && all {
					honest++
				}
			}
		}
		begin := func(from, id string, h *lkproto.DataStream_Header) {
			begun++
			take(x.begin(from, from, false, h, now))
			if st := x.open[streamKey{from, id, false}]; st != nil {
				st.keep = 300
			}
		}
		begin("ada", "a", textHeader("a"))
		for i, op := range ops {
			from, id := fmt.Sprint(op&3), fmt.Sprint(op>>2&3)
			size := int(op) * 2
			switch op >> 6 {
			case 0:
				h := textHeader(id)
				if op&0x30 == 0x30 {
					h.InlineContent, h.Compression = ops[:i], lkproto.DataStream_CompressionType(op&1)
				} else if op&0x10 != 0 {
					h.TotalLength = proto.Uint64(uint64(op) << (op & 0x3f))
				}
				begin(from, id, h)
			case 1, 2:
				take(x.chunk(from, false, chunkOf(id, int(op>>5&1)*i, strings.Repeat("m", size)), now))
			case 3:
				if now = now.Add(time.Duration(op&7) * time.Second); now.Sub(time.Unix(0, 0)) < streamIdle {
					take(x.expire(now))
				}
				take(x.trailer(from, op&0x20 != 0, trailerOf(id)))
			}
			x.checkShares(t)
		}
		take(x.chunk("ada", false, chunkOf("a", 0, strings.Repeat("a", 50)), now))
		take(x.trailer("ada", false, trailerOf("a")))
		take(x.giveUp())
		if honest != 1 || over != begun {
			t.Fatalf("%d of ada's texts are whole, %d streams are over of %d", honest, over, begun)
		}
	})
}
