package archive_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/storetest"
)

func TestNewID(t *testing.T) {
	seen := make(map[string]bool)
	for range 1000 {
		id := archive.NewID()
		if err := archive.ValidID(id); err != nil {
			t.Fatal(err)
		}
		if len(id) != 26 || seen[id] {
			t.Fatalf("ID %q", id)
		}
		seen[id] = true
	}
	// Every character must be able to vary, but for the spare bits of the last.
	for i := range 26 {
		at := make(map[byte]bool)
		for id := range maps.Keys(seen) {
			at[id[i]] = true
		}
		want := 32
		if i == 25 {
			want = 8
		}
		if len(at) != want {
			t.Errorf("character %d takes %d values, want %d", i, len(at), want)
		}
	}
}

func TestValidID(t *testing.T) {
	id := strings.Repeat("0", 26)
	if err := archive.ValidID(id); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{
		"", "0", id[1:], id + "0", id[1:] + "1", strings.ToLower("A" + id[1:]), id[1:] + "I", "U" + id[1:],
		id + "\n", id[:13] + "\n" + id[13:], "../" + id[3:], id[1:] + "/", id[2:] + "é",
	} {
		if archive.ValidID(bad) == nil {
			t.Errorf("%q is valid", bad)
		}
	}
}

// flat hides that a store can list prefixes.
type flat struct{ archive.Store }

func TestFindID(t *testing.T) {
	const (
		a = "0A100000000000000000000000"
		b = "0A1Z0000000000000000000000"
		c = "Z0000000000000000000000000"
	)
	mem := new(storetest.Mem)
	for _, name := range []string{a + "/head", a + "/log/0000", b + "/epochs/000001.age", c + "/head", "readme", "0A1/head", "z0/head"} {
		mem.Set(name, []byte("x"))
	}
	for name, s := range map[string]archive.Store{"prefixer": mem, "flat": flat{mem}} {
		t.Run(name, func(t *testing.T) {
			var ids []string
			for id, err := range archive.IDs(t.Context(), s) {
				if err != nil {
					t.Fatal(err)
				}
				ids = append(ids, id)
			}
			if !slices.Equal(ids, []string{a, b, c}) {
				t.Errorf("IDs: %q", ids)
			}
			for _, test := range []struct{ arg, want string }{
				{a, a}, {"0a10", a}, {"OAL0", a}, {"oaiz", b}, {strings.ToLower(b), b}, {"z", c}, {c, c},
			} {
				if id, err := archive.FindID(t.Context(), s, test.arg); err != nil || id != test.want {
					t.Errorf("FindID(%q) = %q, %v", test.arg, id, err)
				}
			}
			for _, arg := range []string{"", "1", c[:25] + "1", c + "0", "0A1/", "..", "U", "é", "last"} {
				if id, err := archive.FindID(t.Context(), s, arg); !errors.Is(err, archive.ErrNotFound) {
					t.Errorf("FindID(%q) = %q, %v, want ErrNotFound", arg, id, err)
				}
			}
			_, err := archive.FindID(t.Context(), s, "0a1")
			var ambiguous *archive.AmbiguousError
			if !errors.As(err, &ambiguous) || !slices.Equal(ambiguous.IDs, []string{a, b}) {
				t.Errorf("FindID of an ambiguous prefix: %v", err)
			}
		})
	}
}
