package main

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/testdata/player"
	"github.com/sealtape/sealtape/testdata/sample"
)

// TestApproved: who has pinned the card of a fleet alone is told that the fleet recorded what
// a worker did, and that nobody did whom they trust once the card had expired when the worker
// was approved, or the worker's key was revoked by who may. A recording that a link names as
// a part of the meeting, and that is not there, is told apart.
func TestApproved(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	made := func(device string) (*keys.Home, *keys.Identity, keys.Card) {
		t.Helper()
		h, err := keys.OpenHome(filepath.Join(t.TempDir(), device))
		if err != nil {
			t.Fatal(err)
		}
		id, err := h.InitAs(keys.Description{Name: "Fleet", Device: device, Role: keys.Recorder}, nil)
		if err != nil {
			t.Fatal(err)
		}
		card, err := id.Card()
		if err != nil {
			t.Fatal(err)
		}
		return h, id, card
	}
	_, fleet, fleetCard := made("fleet")
	home, _, workerCard := made("worker")
	approved, err := fleet.Approve(workerCard)
	if err != nil {
		t.Fatal(err)
	}
	if err := home.Add(approved); err != nil {
		t.Fatal(err)
	}
	worker, err := home.Load(func() ([]byte, error) { return nil, nil })
	if err != nil {
		t.Fatal(err)
	}
	people, err := player.NewPeople(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	m, err := player.Flashes(people.Readers, 1, 1, 5*time.Second, false)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	id, err := player.Write(folder, worker.Signer(), m)
	if err != nil {
		t.Fatal(err)
	}
	r := open(t, folder, id, workerCard.Key, people.Signer.AgeIdentities())
	now := time.Now().Unix()
	revoked := func(of ...string) map[string]any {
		return map[string]any{"key": workerCard.Key, "who": "", "revoked": true, "of": of}
	}
	name := fleetCard.Verifier().Name()
	cases := []struct {
		what    string
		expires int64
		revoked []any
		want    string
	}{
		{"it counts", 0, nil, "Fleet trusted"},
		{"the card expires later", now + 1000, nil, "Fleet trusted"},
		{"the card had expired", now - 1000, nil, "Fleet signed"},
		{"revoked by the fleet", 0, []any{revoked(name)}, "Fleet signed"},
		{"revoked by itself", 0, []any{map[string]any{"key": workerCard.Key, "who": "", "revoked": true}}, "Fleet signed"},
		{"revoked by somebody else", 0, []any{revoked("sealtape.v1/0000000000000000")}, "Fleet trusted"},
	}
	got := make([]struct{ Said, Meeting string }, len(cases))
	var questions []question
	for i, c := range cases {
		questions = append(questions, question{script: `const d = await source.recording(id), missing = "01JD3Q8ZC5MEET1NG0000000C0";
			const { parts } = await source.meeting(id, [missing, id]);
			return { said: d.signers.join() + " " + (d.distrust?.code ?? "trusted"), meeting: parts.map((p) => (p.apart ? "apart" : p.id === id && p.access)).join() };`,
			settings: map[string]any{"recorders": []any{map[string]any{"key": fleetCard.Key, "who": "Fleet", "expires": c.expires}}, "revoked": c.revoked}, found: &got[i]})
	}
	r.ask(t, questions...)
	for i, c := range cases {
		if got[i].Said != c.want || got[i].Meeting != "apart,all" {
			t.Errorf("%s: %+v, want %s", c.what, got[i], c.want)
		}
	}
}
