package archive

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
)

// A Blob is content that can be read more than once, so that a retry sends the
// same bytes, and whose size and hash are known before the first is sent.
type Blob struct {
	Size   int64
	SHA256 [sha256.Size]byte
	// Open returns the content from its start. The caller closes it.
	Open func() (io.ReadCloser, error)
	// Replace allows overwriting: the head and the last log file, nothing else.
	Replace bool
}

// BytesBlob returns a Blob of data, which must not change afterwards.
func BytesBlob(data []byte) Blob { return hashedBlob(data, sha256.Sum256(data)) }

// hashedBlob returns a Blob of data whose hash is known already.
func hashedBlob(data []byte, sum [sha256.Size]byte) Blob {
	return Blob{
		Size:   int64(len(data)),
		SHA256: sum,
		Open: func() (io.ReadCloser, error) {
			return &memReader{*bytes.NewReader(data), sum}, nil
		},
	}
}

// A memReader reads content in memory. Its hash is known and it does not change.
type memReader struct {
	bytes.Reader
	sum [sha256.Size]byte
}

func (*memReader) Close() error { return nil }

// Checked reports whether the content is in memory and was compared with Size and
// SHA256 already. A Store need not read such a Blob to check it.
func (b Blob) Checked() bool {
	src, err := b.Open()
	if err != nil {
		return false
	}
	defer src.Close() // nothing was read
	m, ok := src.(*memReader)
	return ok && m.Size() == b.Size && m.sum == b.SHA256
}

// OpenChecked opens b for a Store. The reader counts and hashes what it returns,
// and never returns more than b.Size bytes. It ends with io.EOF only if the
// content has the size and hash of b. Otherwise it ends with ErrMismatch, or with
// the error of the source, wrapped in ErrSource; an error of Open or Close is
// wrapped likewise. So a caller who reads to io.EOF has the right bytes, and any
// other caller must discard what was read. The caller closes the reader.
func (b Blob) OpenChecked() (io.ReadCloser, error) {
	if b.Size < 0 {
		return nil, fmt.Errorf("%w: negative size", ErrMismatch)
	}
	src, err := b.Open()
	if err != nil {
		return nil, sourceError(err)
	}
	return &checkedReader{src: src, blob: b, hash: sha256.New()}, nil
}

type checkedReader struct {
	src  io.ReadCloser
	blob Blob
	hash hash.Hash
	n    int64 // bytes handed out
	err  error // sticky: every later Read returns it again
}

func (r *checkedReader) Read(p []byte) (int, error) {
	if r.err != nil || len(p) == 0 {
		return 0, r.err
	}
	var one [1]byte
	if left := r.blob.Size - r.n; left == 0 {
		p = one[:] // only to see that the source ends here
	} else if int64(len(p)) > left {
		p = p[:left]
	}
	n, err := r.src.Read(p)
	if n > 0 && r.n == r.blob.Size {
		n, err = 0, fmt.Errorf("%w: more than %d bytes", ErrMismatch, r.blob.Size)
	}
	r.hash.Write(p[:n])
	r.n += int64(n)
	switch {
	case err == io.EOF:
		err = r.end()
	case err != nil && !errors.Is(err, ErrMismatch):
		err = sourceError(err)
	}
	r.err = err
	return n, err
}

// end returns io.EOF if what was read is what the blob promised.
func (r *checkedReader) end() error {
	if r.n != r.blob.Size {
		return fmt.Errorf("%w: %d bytes instead of %d", ErrMismatch, r.n, r.blob.Size)
	}
	if sum := [sha256.Size]byte(r.hash.Sum(nil)); sum != r.blob.SHA256 {
		return fmt.Errorf("%w: SHA-256 is %x instead of %x", ErrMismatch, sum, r.blob.SHA256)
	}
	return io.EOF
}

func (r *checkedReader) Close() error {
	if err := r.src.Close(); err != nil {
		return sourceError(err)
	}
	return nil
}

func sourceError(err error) error { return fmt.Errorf("%w: %w", ErrSource, err) }
