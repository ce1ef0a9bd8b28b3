package main

import (
	"testing"
	"time"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/testdata/player"
	"github.com/sealtape/sealtape/testdata/sample"
)

// TestClaimedHolders: what two recorders recorded whom nobody knows is one meeting by the word of
// a link that names both keys. Cards in a folder make them two holders.
func TestClaimedHolders(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	people, err := player.NewPeople(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	m, err := player.Flashes(people.Readers, 1, 1, time.Second, false)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	var ids []string
	var cards []keys.Card
	for range 2 {
		by, err := keys.GenerateAs(keys.Description{Name: "Bot", Role: keys.Recorder})
		if err != nil {
			t.Fatal(err)
		}
		card, err := by.Card()
		if err != nil {
			t.Fatal(err)
		}
		id, err := player.Write(folder, by.Signer(), m)
		if err != nil {
			t.Fatal(err)
		}
		ids, cards = append(ids, id), append(cards, card)
	}
	r := open(t, folder, ids[0], cards[0].Key, people.Signer.AgeIdentities())
	got := make([]string, 2)
	var questions []question
	for i, linked := range []bool{true, false} {
		var recorders []any
		for _, c := range cards {
			recorders = append(recorders, map[string]any{"key": c.Key, "who": "", "linked": linked})
		}
		questions = append(questions, question{script: `const { parts } = await source.meeting(id, [id, "` + ids[1] + `"]);
			return parts.map((p) => p.apart ? "apart" : p.access).join();`,
			settings: map[string]any{"recorders": recorders}, found: &got[i]})
	}
	r.ask(t, questions...)
	if got[0] != "all,all" || got[1] != "all,apart" {
		t.Errorf("by a link %q, by cards %q", got[0], got[1])
	}
}
