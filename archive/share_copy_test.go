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
	share := func(content string) string { return id + "/" + archive.ShareName([]byte(content)) }
	for _, content := range []string{"one", "two"} {
		name := share(content)
		src.Set(name, []byte(content))
		want[name] = content
	}
	src.Set(id+"/shares/x.age", []byte("no share"))
	src.Set(archive.NewID()+"/shares/"+archive.NewID()+".age", []byte("of another recording"))
	for range 2 {
		if n, err := archive.CopyShares(t.Context(), dst, src, id); n != 2 || err != nil {
			t.Errorf("copied %d, %v", n, err)
		}
	}

	// What is damaged here is not copied, and what is damaged there is put right.
	for i, content := range []string{"cut", "grown", "empty"} {
		damaged := []byte([]string{"cu", strings.Repeat("x", 2<<20), ""}[i])
		src.Set(share(content), damaged)
		var bad *archive.BadObjectError
		if n, err := archive.CopyShares(t.Context(), dst, src, id); n != 2 || !errors.As(err, &bad) || id+"/"+bad.Name != share(content) {
			t.Errorf("%s: copied %d, %v", content, n, err)
		}
		src.Set(share(content), []byte(content))
		dst.Set(share(content), damaged)
		if n, err := archive.CopyShares(t.Context(), dst, src, id); n != 3 || err != nil {
			t.Errorf("%s: copied %d, %v", content, n, err)
		}
		want[share(content)] = content
		if err := src.Delete(t.Context(), share(content)); err != nil {
			t.Fatal(err)
		}
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
