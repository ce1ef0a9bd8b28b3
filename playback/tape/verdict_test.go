package tape

import (
	"testing"
	"time"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/recorder/media"
)

// hole declares a hole of a track from 0 on.
func hole(d time.Duration, reason string) []Hole {
	return Holes(nil, nil, []media.Event{{Type: media.EventHole, Track: 1, To: d, Reason: reason}})
}

func TestVerdict(t *testing.T) {
	const s = time.Second
	whole := func(change func(*Findings)) Findings {
		f := Findings{State: archive.StateClosed, Key: true, Signers: []Signer{{Key: "ada", Who: "Ada"}}}
		if change != nil {
			change(&f)
		}
		return f
	}
	for _, tt := range []struct {
		name     string
		findings Findings
		outcome  Outcome
		code     int
		says     string // of "it"
	}{
		{"closed", whole(nil), Whole, 0, ""},
		{"a hole of 6 s", whole(func(f *Findings) { f.Holes = hole(6*s, media.HoleLoss) }), Incomplete, 3, "it has a hole of a second or more"},
		{"a short hole", whole(func(f *Findings) { f.Holes = hole(s-1, media.HoleLoss) }), Whole, 0, ""},
		{"no consent", whole(func(f *Findings) { f.Holes = hole(6*s, media.HoleConsent) }), Whole, 0, ""},
		{"not verified", whole(func(f *Findings) { f.Holes = hole(6*s, media.HoleUnverified) }), Whole, 0, ""},
		{"paused", whole(func(f *Findings) { f.Holes = hole(6*s, media.HolePaused) }), Whole, 0, ""},
		{"open", whole(func(f *Findings) { f.State = archive.StateOpen }), Incomplete, 3, "it is not closed"},
		{"cut, and torn", whole(func(f *Findings) { f.State, f.Torn = archive.StateCut, 1 }), Incomplete, 3,
			"it was cut: its recorder died; has 1 segment torn by a crash"},
		{"left out", whole(func(f *Findings) { f.LeftOut = 2 }), Incomplete, 3, "it lacks 2 segments that its recorder gave up, or hides"},
		{"the store failed", whole(func(f *Findings) { f.Refused = 1 }), Incomplete, 3, "it lacks 1 segment that the store did not give"},
		{"exported by a reader of a part", whole(func(f *Findings) { f.NotReader = 3 }), Incomplete, 3, "it has 3 segments of which you are no reader"},
		{"frames left out", whole(func(f *Findings) { f.Dropped = 1 }), Incomplete, 3, "it has 1 frame that could not be taken along"},
		{"no key", whole(func(f *Findings) { f.Key = false }), Locked, 5, "it is not yours to open"},
		{"no key, and open", whole(func(f *Findings) { f.Key, f.State = false, archive.StateOpen }), Locked, 5, "it is not yours to open; is not closed"},
		{"gone", whole(func(f *Findings) { f.Missing, f.Key = 1, false }), Damaged, 4, "it lacks 1 object in the store; is not yours to open"},
		{"damaged, with a hole", whole(func(f *Findings) { f.Damaged, f.Holes = 2, hole(6*s, media.HoleLoss) }), Damaged, 4,
			"it is damaged: 2 objects failed verification; has a hole of a second or more"},
		{"not verified", whole(func(f *Findings) { f.Problems = 3 }), Damaged, 4, "it is not what was recorded: 3 problems"},
		{"signer revoked", whole(func(f *Findings) { f.Signers[0].Revoked = true }), Damaged, 4, "it is signed by Ada"},
		{"another has signed, too", whole(func(f *Findings) { f.Signers = []Signer{{Who: "Ada", Revoked: true}, {Who: "Bob"}} }), Whole, 0, ""},
		{"granted by a revoked key", whole(func(f *Findings) { f.Withheld, f.WithheldBy, f.Key = []int{1, 2, 4}, Signer{Who: "Bob"}, false }), Damaged, 4,
			"epochs 1-2, 4 of it were granted by Bob, which does not count"},
		{"foreign-signer", Findings{State: StateForeign, Key: true}, Damaged, 4, "it is not signed by anyone whose card is pinned"},
		{"rolled back", Findings{State: StateRolledBack, Key: true}, Damaged, 4, "it is not the one that was seen before"},
		{"without a head", Findings{State: StateDamaged, Key: true}, Damaged, 4, "it has no head and log that are genuine"},
		{"not looked at", Findings{}, Unknown, 1, "it could not be looked at"},
	} {
		v := tt.findings.Verdict()
		if v.Outcome != tt.outcome || v.Outcome.ExitCode() != tt.code || v.Say("it") != tt.says {
			t.Errorf("%s: %s (%d), %q, want %s (%d), %q", tt.name, v.Outcome, v.Outcome.ExitCode(), v.Say("it"), tt.outcome, tt.code, tt.says)
		}
	}
}
