package watch

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// at returns seconds after noon.
func at(s float64) time.Time { return noon.Add(time.Duration(s * float64(time.Second))) }

// A wish comes from a dispatch that is not done, or from a policy by its rooms.
func TestWanted(t *testing.T) {
	p := policies(t, map[string]string{
		"all": "rooms: ['*']\n", "board": "rooms: ['board-*', strategy]\n", "hour": "rooms: [lecture]\nduration: 1h\n",
		"button": "rooms: ['*']\nstart: asked\n", "a": "rooms: ['x-?']\n", "b": "rooms: ['x-*']\n"})
	done, running, failed := []Job{{State: Done}}, []Job{{State: Running, Identity: "r"}}, []Job{{State: Failed}}
	for _, tt := range []struct {
		room      Room
		want      string
		undecided bool
	}{
		{Room{Name: "weekly", People: 1}, "all", false},
		{Room{Name: "weekly"}, "", false},
		{Room{Name: "weekly", People: 1, Off: true}, "", false},
		{Room{Name: "board-may", People: 1}, "board", false},
		{Room{Name: "strategy", People: 1}, "board", false},
		{Room{Name: "x-1", People: 1}, "", true},
		{Room{Name: "x-1", People: 1, Dispatches: []Dispatch{{Policy: "b"}}}, "b", false},
		{Room{Name: "weekly", People: 1, Dispatches: []Dispatch{{Policy: "board"}}}, "all", false}, // which is not for that room
		{Room{Name: "weekly", People: 1, Dispatches: []Dispatch{{Policy: ""}}}, "all", false},
		{Room{Name: "weekly", People: 1, Dispatches: []Dispatch{{Policy: "button"}}}, "button", false},
		{Room{Name: "weekly", People: 1, Dispatches: []Dispatch{{Policy: "button", Jobs: running}}}, "button", false},
		{Room{Name: "weekly", People: 1, Dispatches: []Dispatch{{Policy: "button", Jobs: failed}}}, "button", false},
		{Room{Name: "weekly", People: 1, Dispatches: []Dispatch{{Policy: "button", Jobs: done}}}, "all", false},
		{Room{Name: "weekly", People: 1, Dispatches: []Dispatch{{Policy: "button"}, {Policy: "all"}}}, "all", false},
		{Room{Name: "weekly", People: 1, Dispatches: []Dispatch{{Policy: "all", Jobs: done}}}, "all", false},
		{Room{Name: "lecture", People: 1}, "hour", false},
		{Room{Name: "lecture", People: 1, Dispatches: []Dispatch{{Policy: "hour", Jobs: failed}}}, "hour", false},
		{Room{Name: "lecture", People: 1, Dispatches: []Dispatch{{Policy: "hour", Jobs: done}}}, "", false},
	} {
		w := Wanted(&tt.room, p)
		name := ""
		if w.Policy != nil {
			name = w.Policy.Name
		}
		if name != tt.want || (w.Err != nil) != tt.undecided {
			t.Errorf("%+v: %q, %v; want %q", tt.room, name, w.Err, tt.want)
		}
	}
	if w := Wanted(&Room{Name: "weekly", People: 3}, nil); w.Policy != nil || w.Err != nil {
		t.Errorf("without policies: %+v", w)
	}
}

// Each row is one look, some seconds after noon.
func TestDecide(t *testing.T) {
	all := Wish{Policy: policies(t, map[string]string{"all": "rooms: ['*']\n"}).Find("all")}
	ours := func(identities ...string) (rs []Recorder) {
		for i, id := range identities {
			rs = append(rs, Recorder{Identity: id, Joined: at(float64(i))})
		}
		return rs
	}
	dispatch := func(id string, made float64, jobs ...Job) Dispatch {
		return Dispatch{ID: id, Policy: "all", Made: at(made), Jobs: jobs}
	}
	runs := func(identity string) Job { return Job{State: Running, Identity: identity} }
	type look struct {
		at      float64
		room    Room
		wish    Wish
		creates bool
		deletes string
		again   float64 // 0: at the usual time
	}
	for name, looks := range map[string][]look{
		"nobody wants it": {{0, Room{}, Wish{}, false, "", 0}, {100, Room{}, Wish{}, false, "", 0}},
		"somebody comes, and a recorder with them": {
			{0, Room{}, all, false, "", 5}, {3, Room{Recorders: ours("a")}, all, false, "", 0}, {60, Room{Recorders: ours("a")}, all, false, "", 0}},
		"nobody records": {{0, Room{}, all, false, "", 5}, {5, Room{}, all, true, "", 11}},
		"a watcher that begins waits, too": {
			{1000, Room{Dispatches: []Dispatch{dispatch("D", 0)}}, all, false, "", 1005}, {1005, Room{Dispatches: []Dispatch{dispatch("D", 0)}}, all, true, "D", 1011}},
		"somebody else sent for one": {
			{0, Room{Dispatches: []Dispatch{dispatch("D", 0)}}, all, false, "", 6}, {5, Room{Dispatches: []Dispatch{dispatch("D", 0)}}, all, false, "", 6},
			{6.5, Room{Dispatches: []Dispatch{dispatch("D", 0)}}, all, true, "", 12.5}, {12.5, Room{Dispatches: []Dispatch{dispatch("D", 0)}}, all, true, "D", 16.5}},
		"a worker took it, and its recorder is on the way": {
			{0, Room{Dispatches: []Dispatch{dispatch("D", 0)}}, all, false, "", 6}, {6, Room{Dispatches: []Dispatch{dispatch("D", 0, runs("a"))}}, all, false, "", 12},
			{12, Room{Dispatches: []Dispatch{dispatch("D", 0, runs("a"))}}, all, true, "", 18}},
		"the server's clock is an hour ahead": {
			{0, Room{Dispatches: []Dispatch{dispatch("D", 3600)}}, all, false, "", 6}, {6, Room{Dispatches: []Dispatch{dispatch("D", 3600)}}, all, true, "", 12}},
		"the recorder died": {
			{0, Room{Recorders: ours("a"), Dispatches: []Dispatch{dispatch("D", -60, runs("a"))}}, all, false, "", 0},
			{10, Room{Dispatches: []Dispatch{dispatch("D", -60, runs("a"))}}, all, false, "", 12},
			{11, Room{Dispatches: []Dispatch{dispatch("D", -60, runs("a"))}}, all, false, "", 12},
			{12, Room{Dispatches: []Dispatch{dispatch("D", -60, runs("a"))}}, all, true, "", 18}},
		"the recorder died before this watcher began": {
			{0, Room{Dispatches: []Dispatch{dispatch("D", -60, runs("a"))}}, all, false, "", 2}, {2, Room{Dispatches: []Dispatch{dispatch("D", -60, runs("a"))}}, all, true, "", 8}},
		"it comes back by itself": {
			{0, Room{Recorders: ours("a")}, all, false, "", 0}, {10, Room{}, all, false, "", 12}, {11, Room{Recorders: ours("a")}, all, false, "", 0}, {20, Room{}, all, false, "", 22}},
		"no worker for long": {
			{0, Room{}, all, false, "", 5}, {5, Room{}, all, true, "", 11}, {10, Room{}, all, false, "", 11}, {11, Room{}, all, true, "", 15},
			{15, Room{}, all, true, "", 19}, {19, Room{}, all, true, "", 23}, {23, Room{}, all, true, "", 27}, {27, Room{}, all, true, "", 31}, {31, Room{}, all, true, "", 35}, {35, Room{}, all, true, "", 39},
			{39, Room{}, all, true, "", 43}, {43, Room{}, all, true, "", 47}, {47, Room{}, all, true, "", 51}, {51, Room{}, all, false, "", 55}, {55, Room{}, all, true, "", 59}, {59, Room{}, all, false, "", 71}},
		"what brought nobody is deleted": {
			{0, Room{}, all, false, "", 5},
			{30, Room{Dispatches: []Dispatch{dispatch("A", 0), dispatch("B", 5, Job{State: Failed}), dispatch("C", 10, runs("x")), dispatch("D", 15)}}, all, true, "A B D", 36}},
		"and one is kept where it is recorded": {
			{30, Room{Recorders: ours("a"), Dispatches: []Dispatch{dispatch("A", 0), dispatch("B", 5, Job{State: Done}), dispatch("C", 10, runs("a"))}}, all, false, "A B", 0},
			{40, Room{Recorders: ours("a"), Dispatches: []Dispatch{dispatch("C", 10), dispatch("D", 11)}}, all, false, "C", 0},
			{50, Room{Recorders: ours("a"), Dispatches: []Dispatch{dispatch("D", 11)}}, all, false, "", 0}},
		"two, of which one leaves by itself": {
			{0, Room{Recorders: ours("a", "b")}, all, false, "", 12}, {5, Room{Recorders: ours("b")}, all, false, "", 0}, {6, Room{Recorders: ours("b", "c")}, all, false, "", 18}},
		"two that stay": {
			{0, Room{Recorders: ours("a", "b"), Dispatches: []Dispatch{dispatch("A", 0, runs("a")), dispatch("B", 0, runs("b"))}}, all, false, "", 12},
			{12, Room{Recorders: ours("a", "b"), Dispatches: []Dispatch{dispatch("A", 0, runs("a")), dispatch("B", 0, runs("b"))}}, all, false, "B", 0}},
		"two that stay, by one dispatch": {
			{0, Room{Recorders: ours("a", "b"), Dispatches: []Dispatch{dispatch("A", 0, runs("a"), runs("b"))}}, all, false, "", 12},
			{12, Room{Recorders: ours("a", "b"), Dispatches: []Dispatch{dispatch("A", 0, runs("a"), runs("b"))}}, all, false, "", 0}},
		"what was tried before a long recording does not count": {
			{0, Room{}, all, false, "", 5}, {5, Room{}, all, true, "", 11}, {13, Room{}, all, true, "", 17}, {29, Room{}, all, true, "", 33},
			{40, Room{Recorders: ours("a")}, all, false, "", 0}, {100, Room{Recorders: ours("a")}, all, false, "", 0},
			{110, Room{}, all, false, "", 112}, {112, Room{}, all, true, "", 118}, {120, Room{}, all, true, "", 124}},
		"two jobs under one identity": {
			{0, Room{Recorders: ours("a"), Dispatches: []Dispatch{dispatch("A", 0, runs("a")), dispatch("B", 0, runs("a"))}}, all, false, "", 0},
			{60, Room{Recorders: ours("a"), Dispatches: []Dispatch{dispatch("A", 0, runs("a")), dispatch("B", 0, runs("a"))}}, all, false, "", 0}},
		"what nobody wants is not ended": {
			{0, Room{Recorders: ours("a"), Dispatches: []Dispatch{dispatch("A", 0, runs("a"))}}, Wish{}, false, "", 0}},
	} {
		t.Run(name, func(t *testing.T) {
			var m Memory
			for _, l := range looks {
				a, next := Decide(at(l.at), &l.room, l.wish, m, 0)
				var again time.Time
				if l.again != 0 {
					again = at(l.again)
				}
				if (a.Create != "") != l.creates || fmt.Sprint(a.Delete) != "["+l.deletes+"]" || !a.Again.Equal(again) {
					t.Errorf("after %v s: %+v, want %+v", l.at, a, l)
				}
				if missing := len(l.room.Recorders) == 0 && l.wish.Policy != nil; missing == next.Missing.IsZero() {
					t.Errorf("after %v s missing since %v", l.at, next.Missing)
				}
				m = next
			}
		})
	}
}

// The same waits are spread by jitter, and none is longer than it may be.
func TestWaits(t *testing.T) {
	w := Wish{Policy: policies(t, map[string]string{"all": "rooms: ['*']\n"}).Find("all")}
	var waits []time.Duration
	for _, jitter := range []float64{0, 0.5, 1} {
		m := Memory{Missing: noon, Tries: 40}
		now := at(1000)
		a, next := Decide(now, &Room{}, w, m, jitter)
		if a.Create == "" {
			t.Fatal("does not try")
		}
		waits = append(waits, next.Next.Sub(now))
	}
	if !slices.Equal(waits, []time.Duration{lastWait, lastWait + lastWait/8, lastWait + lastWait/4}) {
		t.Errorf("waits %v", waits)
	}
}
