package archive_test

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/storetest"
)

func TestCopySharesAlone(t *testing.T) {
	src, dst := &storetest.Mem{}, &storetest.Mem{}
	id := archive.NewID()
	want := make(map[string]string)
	share := func() string { return id + "/shares/" + archive.NewID() + ".age" }
	for _, content := range []string{"one", "two"} {
		name := share()
		src.Set(name, []byte(content))
		want[name] = content
	}
	src.Set(share(), make([]byte, 2<<20))
	src.Set(id+"/shares/x.age", []byte("no share"))
	src.Set(archive.NewID()+"/shares/"+archive.NewID()+".age", []byte("of another recording"))
	for range 2 {
		if n, err := archive.CopyShares(t.Context(), dst, src, id); n != 2 || err != nil {
			t.Errorf("copied %d, %v", n, err)
		}
	}

	taken := share()
	src.Set(taken, []byte("x"))
	dst.Set(taken, []byte("y"))
	want[taken] = "y"
	var bad *archive.BadObjectError
	if n, err := archive.CopyShares(t.Context(), dst, src, id); n != 2 || !errors.As(err, &bad) || !errors.Is(err, archive.ErrConflict) || id+"/"+bad.Name != taken {
		t.Errorf("copied %d, %v", n, err)
	}
	got := make(map[string]string)
	for info := range dst.List(t.Context(), "") {
		data, _ := dst.Object(info.Name)
		got[info.Name] = string(data)
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}

	broken := errors.New("broken")
	src.OnGet = func(string, []byte) ([]byte, error) { return nil, broken }
	if _, err := archive.CopyShares(t.Context(), dst, src, id); !errors.Is(err, broken) {
		t.Errorf("a store that fails: %v", err)
	}
	if _, err := archive.CopyShares(t.Context(), dst, src, "../x"); err == nil || !strings.Contains(err.Error(), "not a recording's ID") {
		t.Errorf("no ID: %v", err)
	}
}
