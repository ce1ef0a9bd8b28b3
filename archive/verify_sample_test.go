package archive_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/storetest"
)

// A sample reads its share and no more, another one each time; what is gone or
// added it always finds, and what is damaged where it is drawn.
func TestVerifySample(t *testing.T) {
	s := newSigner(t, "recorder")
	const segments = 39 // and an index
	id, good := recordOf(t, s, true, segments, 1000, hybrid(t).Recipient())
	o := archive.Options{Verifiers: s.verifiers}
	mem := new(storetest.Mem)
	fill(t, mem, id, good)
	sample := func(share float64) (archive.Report, []string) {
		t.Helper()
		var kinds []string
		r, err := archive.VerifySample(t.Context(), mem, id, o, share, func(p archive.Problem) { kinds = append(kinds, p.Kind+" "+p.Object) })
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(kinds)
		return r, kinds
	}
	for share, want := range map[float64]int{1e-9: 1, 0.05: 2, 0.051: 3, 0.5: 20, 1: 40} {
		r, kinds := sample(share)
		left := segments + 1 - want
		told := slices.ContainsFunc(r.CannotRuleOut, func(s string) bool { return strings.Contains(s, "Another run draws others") })
		if !r.OK() || len(kinds) > 0 || r.Objects != want+1 || r.Listed != left || told != (left > 0) {
			t.Errorf("a share of %v: %+v, %v, want %d of %d", share, r, kinds, want, segments+1)
		}
	}
	for _, share := range []float64{0, -1, 1.01, math.NaN(), math.Inf(1)} {
		if _, err := archive.VerifySample(t.Context(), mem, id, o, share, nil); err == nil {
			t.Errorf("took a share of %v", share)
		}
	}

	// One damaged object is found in some runs, and not in all: the draw differs.
	// Neither happens 200 times in a row by chance.
	damaged := "segments/000007.age"
	mem.Set(id+"/"+damaged, []byte(flip(good[damaged], 500)))
	found := 0
	for range 200 {
		switch _, kinds := sample(0.5); {
		case slices.Equal(kinds, []string{"corrupt " + damaged}):
			found++
		case len(kinds) > 0:
			t.Fatalf("found %q", kinds)
		}
	}
	if found == 0 || found == 200 {
		t.Errorf("found in %d runs of 200", found)
	}
	mem.Set(id+"/"+damaged, []byte(good[damaged]))

	// What is gone, empty or added shows in the listing, whatever is drawn, and a
	// damaged epoch is always read.
	if err := mem.Delete(t.Context(), id+"/segments/000001.age"); err != nil {
		t.Fatal(err)
	}
	mem.Set(id+"/segments/000002.age", nil)
	mem.Set(id+"/junk", []byte("junk"))
	mem.Set(id+"/epochs/000001.age", []byte(flip(good["epochs/000001.age"], 100)))
	for range 20 {
		_, kinds := sample(0.05)
		for i, k := range kinds {
			kinds[i] = strings.Replace(k, "truncated", "corrupt", 1)
		}
		slices.Sort(kinds)
		if want := []string{"added junk", "corrupt epochs/000001.age", "corrupt segments/000002.age", "missing segments/000001.age"}; !slices.Equal(kinds, want) {
			t.Errorf("found %q, want %q", kinds, want)
		}
	}
}
