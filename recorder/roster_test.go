package recorder_test

import (
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

// What is known of a visit ends with it, whoever has the identity then.
func TestRosterTellsVisitsApart(t *testing.T) {
	r := recorder.NewRoster()
	now := time.Now()
	ada := recorder.Member{Identity: "ada", Name: "Ada", SID: "PA_1", Since: now}
	first, news := r.Came(ada)
	if again, twice := r.Came(ada); !news || twice || again != first {
		t.Error("a visit is news once")
	}
	r.Came(recorder.Member{Identity: "agent", SID: "PA_2", Machine: true, Since: now.Add(time.Second)})
	r.Tell(true, "ada", "nobody")
	if !r.Stand("ada", first, media.VerifiedByProof) || r.Stand("ada", first+1, media.VerifiedByProof) || r.Stand("nobody", 0, "") {
		t.Error("a standing is of a visit that goes on")
	}
	if m, ok := r.Here("ada"); !ok || !m.Told || m.Standing != media.VerifiedByProof {
		t.Errorf("ada is %+v", m)
	}
	if people, attended := r.People(); people != 1 || !attended || r.Len() != 2 || r.Met() != 2 {
		t.Errorf("%d people, attended %v, of %d; met %d", people, attended, r.Len(), r.Met())
	}

	// A server that made the room anew has other SIDs for the same visits.
	r.GoesOn("ada", "PA_3")
	if m, _ := r.Here("ada"); m.SID != "PA_3" || m.Visit != first || m.Standing != media.VerifiedByProof {
		t.Errorf("ada goes on as %+v", m)
	}
	// The end of the visit before does not end this one.
	if r.Went("ada", "PA_1") {
		t.Error("ada left by the end of another visit")
	}
	// Another visit is another one.
	if visit, news := r.Came(recorder.Member{Identity: "ada", SID: "PA_4", Since: now.Add(2 * time.Second)}); !news || visit == first {
		t.Error("the next visit is no news")
	}
	if m, _ := r.Here("ada"); m.Told || m.Standing != "" {
		t.Errorf("the next visit inherits %+v", m)
	}
	if all := r.Members(); len(all) != 2 || all[0].Identity != "agent" || all[1].SID != "PA_4" {
		t.Errorf("here are %+v", all)
	}
	if !r.Went("ada", "PA_4") || r.Went("ada", "") || r.Len() != 1 || r.Met() != 2 {
		t.Errorf("%d are here, met %d", r.Len(), r.Met())
	}
	if people, attended := r.People(); people != 0 || !attended {
		t.Errorf("%d people, attended %v", people, attended)
	}
	if _, news := r.Came(ada); !news || r.Met() != 2 {
		t.Errorf("who comes again was met %d times", r.Met())
	}
}
