package show

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/playback/tape"
	"github.com/sealtape/sealtape/recorder/media"
)

// A call on several servers says how far these may be apart, and who was verified by what.
func TestInfoOfCall(t *testing.T) {
	d := &tape.Description{
		People: []tape.Person{
			{Identity: "@ada:hs:A", Name: "Ada", Identified: tape.IdentifiedMatrix, VerifiedAs: "Ada Lovelace", VerifiedBy: media.VerifiedByMatrix},
			{Identity: "@ben:hs:B", Name: "Ben", Identified: tape.IdentifiedClaimed},
		},
		Servers: []tape.Server{{Name: "one.example/jwt", Late: 1200 * time.Microsecond}, {Name: "two.example\n", Late: 80 * time.Millisecond}},
	}
	var out bytes.Buffer
	if err := Meeting((&ui.Env{Stdout: &out}), InfoOf(d)); err != nil {
		t.Fatal(err)
	}
	got := out.String()
	for _, want := range []string{
		"Ada          @ada:hs:A  0.0s  0.0s  0.0s   Ada Lovelace, matrix\n",
		"Ben          @ben:hs:B  0.0s  0.0s  0.0s   claimed\n",
		"SERVER           LATER THAN OTHERS\none.example/jwt  by at most 2 ms\n",
		"by at most 80 ms\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
}
