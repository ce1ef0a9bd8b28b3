package fleet

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func tableOf(t *testing.T, max int, fixed bool) *Table {
	t.Helper()
	board, err := ParsePolicy("board", []byte("rooms: [\"board-*\"]\nreader: Bob\n"))
	if err != nil {
		t.Fatal(err)
	}
	weekly, err := ParsePolicy("weekly", []byte("rooms: [weekly, \"w*\"]\nreader: Bob\n"))
	if err != nil {
		t.Fatal(err)
	}
	table := NewTable(max, fixed)
	table.SetPolicies(&Policies{byName: map[string]*Policy{"board": board, "weekly": weekly}})
	return table
}

func offer(id, room, policy string) Offer {
	return Offer{ID: id, Room: room, SID: "RM_" + room, Metadata: Dispatch{policy}.Metadata()}
}

// A policy is for its rooms, and who dispatches cannot choose another.
func TestTableChooses(t *testing.T) {
	table, now := tableOf(t, 10, false), time.Now()
	for _, tt := range []struct {
		offer Offer
		why   string // "" for a yes
	}{
		{offer("1", "weekly", "weekly"), ""},
		{offer("2", "board-may", "board"), ""},
		{offer("3", "board-june", "weekly"), "policy weekly is not for this room"},
		{offer("4", "wednesday", "board"), "policy board is not for this room"},
		{offer("5", "wednesday", "eve"), "no policy of the name"},
		{Offer{ID: "6", Room: "wednesday"}, "names no policy"},
		{Offer{ID: "7", Room: "wednesday", Metadata: `{"policy":"weekly","reader":"Eve"}`}, "only field is policy"},
	} {
		v := table.Offer(tt.offer, now)
		if v.Accept != (tt.why == "") || !strings.Contains(v.Why, tt.why) || strings.Contains(v.Why, "eve") || v.Recorded {
			t.Errorf("%+v: %+v", tt.offer, v)
		}
		if v.Label == "" || strings.Contains(v.Label, "w") && v.Label == tt.offer.Room {
			t.Errorf("%+v", v)
		}
	}
}

// A room has one place, until its recorder has ended.
func TestTableOneARoom(t *testing.T) {
	table, now := tableOf(t, 2, false), time.Now()
	first := table.Offer(offer("1", "weekly", "weekly"), now)
	if again := table.Offer(offer("1", "weekly", "weekly"), now); !again.Accept || again.Identity != first.Identity {
		t.Errorf("asked again: %+v", again)
	}
	if v := table.Offer(offer("2", "weekly", "weekly"), now); v.Accept || !v.Recorded {
		t.Errorf("a second: %+v", v)
	}
	if _, ok := table.Assign("2", "weekly"); ok {
		t.Error("what was not accepted was assigned")
	}
	p, ok := table.Assign("1", "weekly")
	if !ok || p.Room != "weekly" || p.Policy.Name != "weekly" || p.Identity != first.Identity || p.Label != first.Label {
		t.Errorf("%+v", p)
	}
	if _, ok := table.Assign("1", "weekly"); ok {
		t.Error("assigned twice")
	}
	if v := table.Offer(offer("1", "weekly", "weekly"), now); v.Accept || !v.Recorded {
		t.Errorf("offered again: %+v", v)
	}
	// An hour later it still has it, however its dispatch fares.
	if v := table.Offer(offer("3", "weekly", "eve"), now.Add(time.Hour)); !v.Recorded {
		t.Errorf("%+v", v)
	}
	table.Leave("weekly")
	if v := table.Offer(offer("4", "weekly", "weekly"), now); !v.Accept || v.Identity == first.Identity {
		t.Errorf("after its end: %+v", v)
	}
	// What was accepted and not assigned gives its place up.
	if v := table.Offer(offer("5", "weekly", "weekly"), now.Add(assignWithin+time.Second)); !v.Accept {
		t.Errorf("after a job that did not come: %+v", v)
	}
}

// Share is what the server's choice goes by: 1 means that it offers nothing.
func TestTableFull(t *testing.T) {
	table, now := tableOf(t, 4, true), time.Now()
	for i := range 5 {
		room := fmt.Sprintf("w%d", i)
		if o := table.Occupancy(now); o.Share() != float64(i)/4 || o.Rooms != i {
			t.Errorf("%d rooms: %+v", i, o)
		}
		v := table.Offer(offer(fmt.Sprint(i), room, "weekly"), now)
		if v.Accept != (i < 4) || v.Accept && v.Identity != Identity(room) {
			t.Errorf("%d: %+v", i, v)
		}
	}
	if o := table.Occupancy(now); o.Why == "" {
		t.Errorf("%+v", o)
	}
	table.Leave("w0")
	if !table.SetFull("the disk is full") || table.SetFull("the disk is fuller") {
		t.Error("a change is none, or none is one")
	}
	if v, o := table.Offer(offer("x", "w9", "weekly"), now), table.Occupancy(now); v.Accept || v.Why != "the disk is fuller" || o.Share() != 1 {
		t.Errorf("%+v %+v", v, o)
	}
	table.SetFull("")
	if v := table.Offer(offer("x", "w9", "weekly"), now); !v.Accept {
		t.Errorf("%+v", v)
	}
	table.Leave("w9")
	table.Drain()
	if v, o := table.Offer(offer("y", "w8", "weekly"), now), table.Occupancy(now); v.Accept || o.Share() != 1 || !table.Draining() {
		t.Errorf("%+v %+v", v, o)
	}
	if v := table.Offer(offer("z", "w1", "weekly"), now); !v.Recorded {
		t.Errorf("what is recorded while it ends: %+v", v)
	}
}

// The label of a room tells nothing of it, and is another in another process.
func TestLabel(t *testing.T) {
	a, b := NewTable(1, false), NewTable(1, false)
	weekly := a.Label("weekly")
	if again := a.Label("weekly"); weekly != again || weekly == a.Label("board") || weekly == b.Label("weekly") || len(a.Label("")) != 8 {
		t.Errorf("%s %s %s", weekly, a.Label("board"), b.Label("weekly"))
	}
	identity := Identity("weekly")
	if again := Identity("weekly"); identity != again || identity == Identity("board") || !strings.HasPrefix(Identity("x"), "sealtape-") {
		t.Error("identities")
	}
}
