package matroska

import (
	"errors"
	"fmt"
	"io"
	"math/bits"
)

// head reads an element's ID and size. The size -1 means unknown. head returns
// io.EOF only if there is no further byte.
func (m *Reader) head() (id uint32, size int64, err error) {
	first, err := m.r.ReadByte()
	if err != nil {
		return 0, 0, err
	}
	m.pos++
	n := bits.LeadingZeros8(first)
	if n > 3 {
		return 0, 0, fmt.Errorf("%w: bad element ID at byte %d", ErrFormat, m.pos-1)
	}
	id = uint32(first)
	for range n {
		c, err := m.byte()
		if err != nil {
			return 0, 0, err
		}
		id = id<<8 | uint32(c)
	}
	first, err = m.byte()
	if err != nil {
		return 0, 0, err
	}
	n = bits.LeadingZeros8(first)
	if n > 7 {
		return 0, 0, fmt.Errorf("%w: bad element size at byte %d", ErrFormat, m.pos-1)
	}
	v := uint64(first) & (1<<(7-n) - 1)
	for range n {
		c, err := m.byte()
		if err != nil {
			return 0, 0, err
		}
		v = v<<8 | uint64(c)
	}
	if v == 1<<(7*(n+1))-1 {
		return id, -1, nil
	}
	return id, int64(v), nil
}

func (m *Reader) byte() (byte, error) {
	c, err := m.r.ReadByte()
	if err != nil {
		return 0, noEOF(err)
	}
	m.pos++
	return c, nil
}

// data reads size bytes into new memory. The caller has bounded size. Memory grows
// with the bytes that arrive, not with the size that the element claims.
func (m *Reader) data(size int64) ([]byte, error) {
	const step = 64 << 10
	b := make([]byte, min(size, step))
	n, err := io.ReadFull(m.r, b)
	m.pos += int64(n)
	for err == nil && int64(len(b)) < size {
		have := len(b)
		b = append(b, make([]byte, min(size-int64(have), int64(max(have, step))))...)
		n, err = io.ReadFull(m.r, b[have:])
		m.pos += int64(n)
	}
	if err != nil {
		return nil, noEOF(err)
	}
	return b, nil
}

// skip passes over an element of known size.
func (m *Reader) skip(size int64) error {
	if size < 0 {
		return fmt.Errorf("%w: unknown size where it is not allowed", ErrFormat)
	}
	n, err := io.CopyN(io.Discard, m.r, size)
	m.pos += n
	return noEOF(err)
}

// noEOF turns io.EOF within an element into io.ErrUnexpectedEOF.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
