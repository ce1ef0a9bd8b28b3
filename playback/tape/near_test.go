package tape_test

import (
	"slices"
	"testing"

	"github.com/sealtape/sealtape/playback/tape"
	"github.com/sealtape/sealtape/recorder/media"
)

// TestNear: in a store that lists nothing, the recordings before one are found by all that it
// names, by its recorder's word and by the server's, each once.
func TestNear(t *testing.T) {
	d := newDesk(t)
	follows := func(id, by string) media.Event { return media.Event{Type: media.EventFollows, Text: id, Reason: by} }
	a := d.record()
	b := d.record(follows(a, media.FollowsServer))
	c := d.record(follows(b, media.FollowsServer), follows(a, ""), follows(b, media.FollowsServer))
	d.o.Unlisted = true
	all, whole, err := tape.NewLibrary(d.store, d.o).Near(t.Context(), c, 10)
	d.check(err)
	var found []string
	for _, one := range all {
		found = append(found, one.ID)
	}
	if !slices.Equal(found, []string{c, a, b}) || whole {
		t.Errorf("found %q of %q, %v", found, []string{a, b, c}, whole)
	}
	if x := all[0]; x.Follows != a || x.FollowsTold || x.FollowsToo != b {
		t.Errorf("the last says that it follows %s (%v) and %s", x.Follows, x.FollowsTold, x.FollowsToo)
	}
	if x := all[2]; x.Follows != a || !x.FollowsTold || x.FollowsToo != "" {
		t.Errorf("the second says that it follows %s (%v) and %s", x.Follows, x.FollowsTold, x.FollowsToo)
	}
}
