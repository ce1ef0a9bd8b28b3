package playertest

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io"
	"testing"
)

// A Part is a part of a segment as a page reads it.
type Part struct {
	Track    string
	MIME     string
	From, To float64
	Init     int
	InitID   string `json:"init_id"`
	Frames   int
	Body     []byte `json:"-"`
}

// Parts reads the parts of a segment.
func Parts(t testing.TB, b []byte) (parts []Part) {
	t.Helper()
	r := bytes.NewReader(b)
	field := func() []byte {
		var n uint32
		if err := binary.Read(r, binary.BigEndian, &n); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, n)
		if _, err := io.ReadFull(r, b); err != nil {
			t.Fatal(err)
		}
		return b
	}
	for r.Len() > 0 {
		var p Part
		if err := json.Unmarshal(field(), &p); err != nil {
			t.Fatal(err)
		}
		p.Body = field()
		parts = append(parts, p)
	}
	return parts
}
