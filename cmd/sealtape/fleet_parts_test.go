//go:build unix

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/recorder/media"
	fixtures "github.com/sealtape/sealtape/testdata/media"
	"github.com/sealtape/sealtape/testdata/members"
)

// A part is one recording of a room's meeting, as a reader sees it who has pinned nobody but
// the fleet.
type part struct {
	ID, State, Room, Follows string
	FollowsBy                string `json:"follows_by"`
	Start                    time.Time
	Duration                 float64
	Segments                 int
	Meeting                  struct {
		Parts   []string
		Problem string
	}
}

// end returns when a recording had its last from its room. One whose host hung may go on, and
// has nothing of the room any more.
func (f *fleetLab) end(p part) time.Time {
	if gone, ok := f.gone[p.ID]; ok {
		return gone
	}
	return p.Start.Add(pts(p.Duration))
}

// audience makes the home of somebody for whom all of a fleet's homes record, and who has
// pinned the fleet, and none of its workers.
func (f *fleetLab) audience(homes []string) (home string) {
	f.t.Helper()
	h, err := keys.OpenHome(homes[0])
	if err != nil {
		f.t.Fatal(err)
	}
	fleet, err := h.Person("Fleet")
	if err != nil {
		f.t.Fatal(err)
	}
	fleet = slices.DeleteFunc(fleet, func(c keys.Card) bool { return c.Device != "" })
	home, card := f.personAs(keys.Description{Name: "Bob"}, fleet...)
	for _, dir := range homes {
		if h, err = keys.OpenHome(dir); err == nil {
			err = h.Add(card)
		}
		if err != nil {
			f.t.Fatal(err)
		}
	}
	f.policy("weekly", fmt.Sprintf("rooms: [\"* %s\"]\nreader: Bob\nstore: %s\ne2ee-passphrase-file: %s\nsegment: 1s\ngrace: never\n",
		f.mark, f.store, f.file("room.txt", labPassphrase)))
	return home
}

// speaker has somebody in a room who speaks.
func (f *fleetLab) speaker(room string) *members.Member {
	f.t.Helper()
	return f.join(members.Config{Room: room, Identity: "ada", Name: "Ada", Passphrase: labPassphrase, Audio: fixtures.Speech(0)})
}

// parts returns all recordings by room, each room's by their start.
func (f *fleetLab) parts(reader string) map[string][]part {
	f.t.Helper()
	out, errs, code := f.run(reader, nil, "list", "--store", f.store, "--json")
	var all []part
	if err := json.Unmarshal([]byte(out), &all); err != nil {
		f.t.Fatalf("list: %d %v\n%s", code, err, errs)
	}
	rooms := make(map[string][]part)
	for _, p := range all {
		rooms[p.Room] = append(rooms[p.Room], p)
	}
	for _, of := range rooms {
		slices.SortFunc(of, func(a, b part) int { return a.Start.Compare(b.Start) })
	}
	return rooms
}

// slowly is until for what it costs something to look at.
func (f *fleetLab) slowly(what string, ok func() bool) {
	f.t.Helper()
	n := 0
	f.until(what, func() bool { n++; return n%20 == 1 && ok() })
}

// roomsOf returns in which rooms a worker's recordings are, once the store has each.
func (f *fleetLab) roomsOf(reader string, w *workerProcess) (rooms []string) {
	f.t.Helper()
	f.slowly("each recording of a worker is in the store", func() bool {
		rooms = nil
		ids := w.ids()
		for room, of := range f.parts(reader) {
			if slices.ContainsFunc(of, func(p part) bool { return slices.Contains(ids, p.ID) && p.Segments > 1 }) {
				rooms = append(rooms, room)
			}
		}
		return len(rooms) == len(ids)
	})
	return rooms
}

// hosts has each of some rooms recorded by one of the workers, and returns what each records.
func (f *fleetLab) hosts(reader string, rooms []string, all []*workerProcess) [][]string {
	f.t.Helper()
	for _, room := range rooms {
		f.recorded(room, 1)
	}
	held, sum := make([][]string, len(all)), 0
	for i, w := range all {
		f.until("each recorder says what it records", func() bool { return len(w.ids()) == len(w.children()) })
		held[i] = f.roomsOf(reader, w)
		sum += len(held[i])
	}
	if sum != len(rooms) {
		f.t.Errorf("%d recorders of %d rooms: %q", sum, len(rooms), held)
	}
	return held
}

// replaced is how a recording ends whose room was lost, and was another recorder's then.
const replaced = "the room has ended: another member took the recorder's identity while the room was lost"

// A tally is what became of meetings.
type tally struct {
	rooms, parts int
	late         int           // that did not know for a while that the next one had the room
	longest      time.Duration // that nobody recorded a meeting
	in           string        // which
}

func (a tally) String() string {
	return fmt.Sprintf("%d rooms, %d recordings, the longest gap %.1f s (%s), %d that did not know at once that another had the room",
		a.rooms, a.parts, a.longest.Seconds(), a.in, a.late)
}

// settles ends the meetings, verifies all that was recorded of them, and says what is
// missing. What is open is a fault, and so are two at a time, and one that does not name the
// one before, whichever host that was on.
func (f *fleetLab) settles(reader string, rooms []string) (a tally) {
	f.t.Helper()
	all := f.parts(reader)
	for _, room := range rooms {
		of := all[room]
		a.rooms++
		a.parts += len(of)
		if len(of) == 0 {
			f.t.Errorf("nothing of %s was recorded", room)
		}
		for i, p := range of {
			if p.State != "closed" && p.State != "cut" {
				f.t.Errorf("%s of %s is %s", p.ID, room, p.State)
			}
			out, errs, code := f.run(reader, nil, "verify", p.ID, "--store", f.store)
			if code != 0 && code != ui.ExitIncomplete {
				f.t.Errorf("verify %s of %s: %d\n%s%s", p.ID, room, code, out, errs)
			}
			if i == 0 {
				continue
			}
			// A host that hung, or died and is back, names what it had recorded itself.
			names := p.Follows == of[i-1].ID || !f.gone[p.Follows].IsZero() && slices.ContainsFunc(of[:i-1], func(o part) bool { return o.ID == p.Follows })
			if (!names || len(p.Meeting.Parts) != len(of)) && !f.over(reader, of[i-1]) {
				f.t.Errorf("part %d of %s does not name the one before, %s, or is not shown as one meeting with it: %+v", i+1, room, of[i-1].ID, p)
			}
			gap := p.Start.Sub(f.heardUntil(reader, of[i-1]))
			if gap < -time.Second {
				last := f.info(reader, f.store, of[i-1].ID).Timeline
				if why := last[len(last)-1].Reason; why == replaced {
					// The server gives the one identity that both have to one of them. This
					// one was not told, and has nothing of this time.
					a.late++
				} else {
					f.t.Errorf("%s was recorded twice for %v: %s ended by %q", room, -gap, of[i-1].ID, why)
				}
			}
			if gap > a.longest {
				a.longest, a.in = gap, strings.TrimSuffix(room, " "+f.mark)
			}
		}
		for n, p := range of {
			i := f.info(reader, f.store, p.ID)
			if i.Room != room {
				f.t.Errorf("%s says that it is of %q", p.ID, i.Room)
			}
			for _, h := range i.Holes {
				if h.Reason == media.HoleReconnect && n < len(of)-1 && (h.To > p.Duration-1 || !f.gone[p.ID].IsZero()) {
					continue // the next one has what it lacks
				}
				if d := pts(h.To - h.From); d > a.longest && !math.IsInf(h.To, 0) {
					a.longest, a.in = d, strings.TrimSuffix(room, " "+f.mark)+", a hole: "+string(h.Reason)
				}
			}
		}
	}
	return a
}

// over reports whether the meeting was over as far as a recorder knew: the server closed the
// room as empty, before members came back to it.
func (f *fleetLab) over(reader string, p part) bool {
	f.t.Helper()
	return slices.ContainsFunc(f.info(reader, f.store, p.ID).Timeline, func(e media.Event) bool {
		return e.Type == media.EventStop && strings.Contains(e.Reason, "all others have left")
	})
}

// follows waits until each recording that goes on with another says with which: a recorder hears
// that from the watcher, who finds out at its next look.
func (f *fleetLab) follows(reader string, rooms []string) {
	f.t.Helper()
	f.slowly("each recording names the one before", func() bool {
		all := f.parts(reader)
		return !slices.ContainsFunc(rooms, func(room string) bool {
			of := all[room]
			n := len(of)
			return n > 1 && of[n-1].Follows == "" && !f.over(reader, of[n-2])
		})
	})
}

// heardUntil returns when a recorder heard its room last: where it lost the room and did not
// come back, its recording goes on with a hole.
func (f *fleetLab) heardUntil(reader string, p part) time.Time {
	f.t.Helper()
	until := p.Duration
	for _, h := range f.info(reader, f.store, p.ID).Holes {
		if h.Reason == media.HoleReconnect && h.To > p.Duration-1 {
			until = min(until, h.From)
		}
	}
	heard := p.Start.Add(pts(until))
	if end := f.end(p); end.Before(heard) {
		return end
	}
	return heard
}

// recordings counts the recordings of a room.
func recordings(all map[string][]part, rooms []string, n int) bool {
	return !slices.ContainsFunc(rooms, func(room string) bool { return len(all[room]) < n })
}

// story is who is in the rooms, and what processes of the fleet logged.
func (f *fleetLab) story(rooms []string, all ...*workerProcess) string {
	var b strings.Builder
	for _, room := range rooms {
		fmt.Fprintf(&b, "%s: %+v\n", room, f.api.Members(context.WithoutCancel(f.ctx), room))
	}
	for i, w := range all {
		log := w.stderr()
		fmt.Fprintf(&b, "process %d:\n%s\n", i, log[max(0, len(log)-3000):])
	}
	return b.String()
}
