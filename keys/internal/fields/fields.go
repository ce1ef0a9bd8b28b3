// Package fields reads and writes the text of the protocol's messages: fields, one
// a line, each "NAME: VALUE", in a fixed order and in one form only.
// keys/PROTOCOL.md specifies the values.
package fields

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	maxText   = 512
	nonceSize = 32
)

// ErrMalformed: a text is not of the one form that a message has.
var ErrMalformed = errors.New("malformed message")

// A Nonce identifies one session of one member.
type Nonce [nonceSize]byte

func (n Nonce) String() string { return base64.StdEncoding.EncodeToString(n[:]) }

// A Hash is a SHA-256.
type Hash [sha256.Size]byte

func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// A Writer writes fields. The zero value is empty.
type Writer struct{ strings.Builder }

// Line writes a field whose value is in its form already.
func (w *Writer) Line(name, value string) { fmt.Fprintf(w, "%s: %s\n", name, value) }

// Text writes text as base64.
func (w *Writer) Text(name, value string) { w.Base64(name, []byte(value)) }

// Base64 writes bytes.
func (w *Writer) Base64(name string, value []byte) {
	w.Line(name, base64.StdEncoding.EncodeToString(value))
}

// Number writes a number in decimal.
func (w *Writer) Number(name string, n int) { w.Line(name, strconv.Itoa(n)) }

// Time writes a moment in UTC, in whole seconds.
func (w *Writer) Time(name string, t time.Time) { w.Line(name, t.UTC().Format(time.RFC3339)) }

// A Reader parses fields in order. After an error its methods return zero values.
type Reader struct {
	// Rest is what was not read yet.
	Rest string
	// Err is the first error. It wraps ErrMalformed.
	Err error
}

// Fail sets Err, unless it is set.
func (r *Reader) Fail(what string) {
	if r.Err == nil {
		r.Err = fmt.Errorf("%w: %s", ErrMalformed, what)
	}
}

// End fails if something follows.
func (r *Reader) End() {
	if r.Rest != "" {
		r.Fail("what follows")
	}
}

// Next reads up to the next line feed.
func (r *Reader) Next() string {
	line, rest, ok := strings.Cut(r.Rest, "\n")
	if !ok {
		r.Fail("no line feed")
	}
	r.Rest = rest
	return line
}

// Field reads one field.
func (r *Reader) Field(name string) string {
	if r.Err != nil {
		return ""
	}
	v, ok := strings.CutPrefix(r.Next(), name+": ")
	if !ok {
		r.Fail("no " + name + " where it belongs")
	}
	return v
}

// None reads a field whose value is "-", which stands for nothing. It reads nothing,
// and returns false, if the field has another value.
func (r *Reader) None(name string) bool {
	after, ok := strings.CutPrefix(r.Rest, name+": -\n")
	if ok && r.Err == nil {
		r.Rest = after
		return true
	}
	return false
}

// Base64 reads up to most bytes in the one form that base64 has for them.
func (r *Reader) Base64(name string, most int) []byte {
	v := r.Field(name)
	if r.Err != nil {
		return nil
	}
	if base64.StdEncoding.DecodedLen(len(v)) > most+2 {
		r.Fail(name)
		return nil
	}
	b, err := base64.StdEncoding.Strict().DecodeString(v)
	if err != nil || len(b) > most || strings.ContainsAny(v, "\r") {
		r.Fail(name)
		return nil
	}
	return b
}

// Exactly reads n bytes.
func (r *Reader) Exactly(name string, n int) []byte {
	b := r.Base64(name, n)
	if len(b) != n {
		r.Fail(name)
		return nil
	}
	return b
}

// Text reads text of at most 512 bytes.
func (r *Reader) Text(name string) string {
	b := r.Base64(name, maxText)
	if !utf8.Valid(b) {
		r.Fail(name)
	}
	return string(b)
}

// Nonce reads a nonce.
func (r *Reader) Nonce(name string) (n Nonce) {
	copy(n[:], r.Exactly(name, nonceSize))
	return n
}

// Hash reads a hash.
func (r *Reader) Hash(name string) (h Hash) {
	v := r.Field(name)
	b, err := hex.DecodeString(v)
	if err != nil || copy(h[:], b) != len(h) || hex.EncodeToString(h[:]) != v {
		r.Fail(name)
	}
	return h
}

// Time reads a moment.
func (r *Reader) Time(name string) time.Time {
	v := r.Field(name)
	t, err := time.Parse(time.RFC3339, v)
	if err != nil || t.UTC().Format(time.RFC3339) != v {
		r.Fail(name)
	}
	return t.UTC()
}

// Number reads a number from 1 to 2^31-1.
func (r *Reader) Number(name string) int {
	n := r.Count(name)
	if n == 0 {
		r.Fail(name)
	}
	return n
}

// Count reads a number from 0 to 2^31-1.
func (r *Reader) Count(name string) int {
	v := r.Field(name)
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 || n > 1<<31-1 || strconv.Itoa(n) != v {
		r.Fail(name)
	}
	return n
}

// OneOf reads one of some values.
func (r *Reader) OneOf(name string, values ...string) string {
	v := r.Field(name)
	for _, want := range values {
		if v == want {
			return v
		}
	}
	r.Fail(name)
	return ""
}

// Recording reads the ID of a recording: 26 characters of upper-case base32.
func (r *Reader) Recording(name string) string {
	v := r.Field(name)
	if len(v) != 26 || strings.Trim(v, "0123456789ABCDEFGHJKMNPQRSTVWXYZ") != "" {
		r.Fail(name)
	}
	return v
}
