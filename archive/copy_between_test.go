package archive_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/storetest"
)

// A Copier that may sign puts heads in the middle of a long pass.
func TestCopyHeadsBetween(t *testing.T) {
	t.Parallel()
	const segments = 200
	s, reader := newSigner(t, "recorder"), hybrid(t)
	id, objects := recordOf(t, s, true, segments, 1000, reader.Recipient())
	held := errors.New("held back")
	for _, test := range []struct {
		name  string
		alter func(c *archive.Copier, src *storetest.Mem)
		sizes []int64 // of the heads
		err   error
	}{
		{"signer", func(c *archive.Copier, _ *storetest.Mem) {}, []int64{64, 128, 192, 202}, nil},
		{"none", func(c *archive.Copier, _ *storetest.Mem) { c.Signer = nil }, []int64{202}, nil},
		{"another", func(c *archive.Copier, _ *storetest.Mem) { c.Signer = newSigner(t, "recorder") }, []int64{202}, nil},
		{"one passed over", func(c *archive.Copier, src *storetest.Mem) {
			src.Set(id+"/segments/000100.age", []byte("damaged"))
			c.OnBad = func(*archive.BadObjectError) error { return nil }
		}, []int64{64, 128, 192, 202}, nil},
		{"one held back", func(c *archive.Copier, src *storetest.Mem) {
			src.Set(id+"/segments/000100.age", []byte("damaged"))
			c.OnBad = func(*archive.BadObjectError) error { return held }
		}, []int64{64}, held},
	} {
		t.Run(test.name, func(t *testing.T) {
			dst, src := new(storetest.Mem), new(storetest.Mem)
			fill(t, src, id, objects)
			c := archive.NewCopier(dst, src, id)
			c.Signer, c.Own = s, s.verifiers
			test.alter(c, src)
			var sizes []int64
			let := make(map[string]bool) // go of
			c.OnHead = func(stored []archive.Entry) {
				for _, e := range stored {
					if got, _ := dst.Object(id + "/" + e.Name); string(got) != objects[e.Name] || let[e.Name] {
						t.Errorf("%s is not stored, or let go of twice", e.Name)
					}
					let[e.Name] = true
				}
				h, _, err := archive.ReadHead(t.Context(), dst, id, archive.Options{Verifiers: s.verifiers})
				if err != nil {
					t.Fatal(err)
				}
				if (h.State == archive.StateClosed) != (h.Size == segments+2) { // an epoch and an index
					t.Errorf("head %+v", h)
				}
				sizes = append(sizes, h.Size)
				if _, err := archive.Verify(t.Context(), dst, id, archive.Options{Verifiers: s.verifiers}, func(p archive.Problem) {
					if p.Object != "segments/000100.age" {
						t.Errorf("head of %d: %v", h.Size, p)
					}
				}); err != nil {
					t.Fatal(err)
				}
			}
			if err := c.Copy(t.Context()); !errors.Is(err, test.err) || test.err == nil && err != nil {
				t.Fatalf("got %v, want %v", err, test.err)
			}
			if !slices.Equal(sizes, test.sizes) {
				t.Errorf("heads of %v, want %v", sizes, test.sizes)
			}
			// What is not under a head was put all the same.
			if _, ok := dst.Object(id + "/segments/000199.age"); !ok {
				t.Error("the rest was not put")
			}
			if test.err != nil {
				// Mended, it goes on from there.
				src.Set(id+"/segments/000100.age", []byte(objects["segments/000100.age"]))
				if err := c.Copy(t.Context()); err != nil {
					t.Fatal(err)
				}
				verified(t, dst, id, s, reader)
			}
		})
	}
}
