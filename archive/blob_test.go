package archive_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/sealtape/sealtape/archive"
)

// from returns what want says of its content, but reads have.
func from(want string, have io.Reader) archive.Blob {
	b := archive.BytesBlob([]byte(want))
	b.Open = func() (io.ReadCloser, error) { return io.NopCloser(have), nil }
	return b
}

func TestBlobOpenChecked(t *testing.T) {
	broken := errors.New("broken")
	for _, tt := range []struct {
		name       string
		want, have string
		err        error // nil for a clean end
	}{
		{"right", "some content", "some content", nil},
		{"empty", "", "", nil},
		{"short", "some content", "some", archive.ErrMismatch},
		{"long", "some", "some content", archive.ErrMismatch},
		{"long by one", "some", "some!", archive.ErrMismatch},
		{"not empty", "", "x", archive.ErrMismatch},
		{"flipped", "some content", "some c0ntent", archive.ErrMismatch},
	} {
		for how, wrap := range map[string]func(io.Reader) io.Reader{
			"plain":    func(r io.Reader) io.Reader { return r },
			"one byte": iotest.OneByteReader,
			"data EOF": iotest.DataErrReader,
		} {
			t.Run(tt.name+"/"+how, func(t *testing.T) {
				r, err := from(tt.want, wrap(strings.NewReader(tt.have))).OpenChecked()
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(r)
				if !errors.Is(err, tt.err) {
					t.Errorf("got error %v, want %v", err, tt.err)
				}
				if len(got) > len(tt.want) {
					t.Errorf("handed out %d bytes of %d", len(got), len(tt.want))
				}
				if tt.err == nil && string(got) != tt.want {
					t.Errorf("got %q, want %q", got, tt.want)
				}
				if _, again := r.Read(make([]byte, 1)); tt.err != nil && !errors.Is(again, tt.err) {
					t.Errorf("the second time: got %v, want %v", again, tt.err)
				}
			})
		}
	}
	r, err := from("some content", io.MultiReader(strings.NewReader("some"), iotest.ErrReader(broken))).OpenChecked()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(r); !errors.Is(err, broken) || !errors.Is(err, archive.ErrSource) {
		t.Errorf("got %v, want ErrSource with the error of the source", err)
	}
	noOpen := archive.Blob{Open: func() (io.ReadCloser, error) { return nil, broken }}
	if _, err := noOpen.OpenChecked(); !errors.Is(err, broken) || !errors.Is(err, archive.ErrSource) {
		t.Errorf("got %v, want ErrSource with the error of the source", err)
	}
	if _, err := (archive.Blob{Size: -1}).OpenChecked(); !errors.Is(err, archive.ErrMismatch) {
		t.Errorf("negative size: got %v, want ErrMismatch", err)
	}
}

func TestBytesBlob(t *testing.T) {
	data := bytes.Repeat([]byte("again "), 1000)
	b := archive.BytesBlob(data)
	for range 2 {
		r, err := b.OpenChecked()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, data) {
			t.Fatalf("read %d bytes, %v", len(got), err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Only content in memory that was hashed, and is as promised, counts as checked.
func TestBlobChecked(t *testing.T) {
	change := func(f func(*archive.Blob)) archive.Blob {
		b := archive.BytesBlob([]byte("content"))
		f(&b)
		return b
	}
	for name, tt := range map[string]struct {
		b    archive.Blob
		want bool
	}{
		"in memory":      {change(func(*archive.Blob) {}), true},
		"empty":          {archive.BytesBlob(nil), true},
		"to replace":     {change(func(b *archive.Blob) { b.Replace = true }), true},
		"another size":   {change(func(b *archive.Blob) { b.Size++ }), false},
		"another hash":   {change(func(b *archive.Blob) { b.SHA256[0] ^= 1 }), false},
		"another source": {from("content", strings.NewReader("content")), false},
		"another content": {change(func(b *archive.Blob) {
			b.Open = archive.BytesBlob([]byte("cont3nt")).Open
		}), false},
		"no source": {change(func(b *archive.Blob) {
			b.Open = func() (io.ReadCloser, error) { return nil, errors.New("gone") }
		}), false},
	} {
		if got := tt.b.Checked(); got != tt.want {
			t.Errorf("%s: %t, want %t", name, got, tt.want)
		}
	}
}

func TestValidName(t *testing.T) {
	for name, valid := range map[string]bool{
		"a":                            true,
		"0":                            true,
		"ID/segments/000000.age":       true,
		"ID/epochs/000001-classic.age": true,
		"-":                            true,
		"a.":                           true,
		strings.Repeat("a", 255):       true,
		strings.Repeat("a", 256):       false,
		"":                             false,
		"/":                            false,
		"/a":                           false,
		"a/":                           false,
		"a//b":                         false,
		".":                            false,
		"..":                           false,
		"../a":                         false,
		"a/..":                         false,
		"a/./b":                        false,
		".hidden":                      false,
		"a/.tmp-1":                     false,
		"a b":                          false,
		"a_b":                          false,
		`a\b`:                          false,
		"C:a":                          false,
		"a\x00":                        false,
		"a\n":                          false,
		"\u00e4":                       false,
		"\xff":                         false,
		"a?versionId=1":                false,
		"a%2fb":                        false,
	} {
		err := archive.ValidName(name)
		if (err == nil) != valid {
			t.Errorf("ValidName(%q) = %v, want valid %t", name, err, valid)
		}
		if err != nil && !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("ValidName(%q) = %v, does not wrap fs.ErrInvalid", name, err)
		}
	}
}

func TestValidPrefix(t *testing.T) {
	for prefix, valid := range map[string]bool{
		"":                       true,
		"a":                      true,
		"a/":                     true,
		"a/b.":                   true,
		strings.Repeat("a", 255): true,
		strings.Repeat("a", 256): false,
		"/":                      false,
		"a//":                    false,
		".":                      false,
		"../":                    false,
		"a/.":                    false,
		"a b":                    false,
	} {
		if got := archive.ValidPrefix(prefix); got != valid {
			t.Errorf("ValidPrefix(%q) = %t", prefix, got)
		}
	}
}
