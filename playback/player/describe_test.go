package player_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/playback/internal/playertest"
	"github.com/sealtape/sealtape/playback/player"
	"github.com/sealtape/sealtape/playback/tape"
	"github.com/sealtape/sealtape/recorder/media"
)

// A described recording is what the page reads.
type described struct {
	Version, ID, State string
	Signers            []string
	PostQuantum        bool `json:"post_quantum"`
	Command            string
	Room, Title, Start string
	Duration           float64
	Epochs             []map[string]any
	Tracks             []map[string]any
	Segments           [][]json.RawMessage
	Events             []map[string]any
	EventsTotal        int `json:"events_total"`
	EventsFrom         int `json:"events_from"`
	From               int
	Holes              []map[string]any
	Problems           []struct {
		Segment int
		Error   player.Kind
	}
}

// states returns the segments' numbers and states: "0r 1f".
func (d described) states() string {
	var out []string
	for _, seg := range d.Segments {
		out = append(out, string(seg[0])+strings.Trim(string(seg[3]), `"`))
	}
	return strings.Join(out, " ")
}

// The page gets what members agreed to, and not what they signed, which is long.
func TestDescribeAgreements(t *testing.T) {
	r := playertest.Meeting(t, 1)
	r.Agreed = map[string][]tape.Agreement{"alice": {{From: time.Second, To: 3 * time.Second, By: tape.Signer{Who: "Alice (words)"}, Readers: []string{"Carol"}}}}
	r.Data[0] = playertest.Segment(t, 0, 5*time.Second, media.Event{Type: media.EventStart, Text: "Stand-up"},
		media.Event{Type: media.EventNote, Participant: "alice", Reason: media.NoteKey, Text: "signed"})
	var d struct {
		MemberKeys bool `json:"member_keys"`
		Agreed     []map[string]any
		Events     []map[string]any
	}
	describe(t, serve(t, r), none, false, &d)
	want := []map[string]any{{"participant": "alice", "from": 1.0, "to": 3.0, "by": "Alice (words)", "readers": []any{"Carol"}}}
	if !reflect.DeepEqual(d.Agreed, want) || !d.MemberKeys || len(d.Events) != 1 {
		t.Errorf("%+v", d)
	}
}

func TestDescribe(t *testing.T) {
	r := playertest.Meeting(t, 3)
	r.Data[1] = playertest.Segment(t, 1, 5*time.Second, media.Event{Time: 6 * time.Second, Type: media.EventHole,
		Participant: "bob", Track: playertest.Bob.UID, From: 6 * time.Second, To: 6500 * time.Millisecond, Reason: media.HoleLoss})
	p := serve(t, r)
	var d described
	describe(t, p, none, false, &d)
	if d.ID != id || d.State != "closed" || !d.PostQuantum || d.Command != "sealtape play" || d.Room != "Stand-up" ||
		d.Start != "2026-03-04T05:06:07.000008Z" || d.Duration != 15 || !slices.Equal(d.Signers, []string{"carol"}) {
		t.Errorf("%+v", d)
	}
	if want := []map[string]any{{"number": 1.0, "opens": true, "first": 0.0, "last": 2.0}}; !reflect.DeepEqual(d.Epochs, want) {
		t.Errorf("epochs %v", d.Epochs)
	}
	if want := []map[string]any{
		{"uid": "11", "participant": "alice", "name": "Alice", "source": "microphone", "codec": "opus",
			"mime": `audio/webm; codecs="opus"`, "width": 0.0, "height": 0.0, "channels": 1.0},
		{"uid": "9223372036854775813", "participant": "bob", "name": "", "source": "camera", "codec": "vp8",
			"mime": `video/webm; codecs="vp8"`, "width": 160.0, "height": 120.0, "channels": 0.0},
	}; !reflect.DeepEqual(d.Tracks, want) {
		t.Errorf("tracks %v", d.Tracks)
	}
	if want := "[0,0,5,\"r\",[[0],[1,0]]]"; fmt.Sprintf("%s", d.Segments[0]) != strings.NewReplacer(",", " ").Replace(want) &&
		!strings.Contains(text(t, p), want) {
		t.Errorf("segments %s", d.Segments)
	}
	if want := `[2,10,15,"r",[[0],[1,10]]]]`; !strings.Contains(text(t, p), want) {
		t.Errorf("segments %s", d.Segments)
	}
	if want := []map[string]any{
		{"t": 0.0, "type": "start", "text": "Stand-up"},
		{"t": 0.0, "type": "join", "participant": "alice", "name": "Alice"},
		{"t": 6.0, "type": "hole", "participant": "bob", "track": "9223372036854775813", "from": 6.0, "to": 6.5, "reason": "loss"},
	}; !reflect.DeepEqual(d.Events, want) || d.EventsTotal != 3 {
		t.Errorf("events %v", d.Events)
	}
	if want := []map[string]any{{"track": "9223372036854775813", "from": 6.0, "to": 6.5, "reason": "loss"}}; !reflect.DeepEqual(d.Holes, want) {
		t.Errorf("holes %v", d.Holes)
	}

	var part described
	describe(t, p, player.Known{From: 2, Events: 1}, false, &part)
	if part.states() != "2r" || len(part.Events) != 2 || part.EventsTotal != 3 || part.From != 2 || part.EventsFrom != 1 {
		t.Errorf("from 2, 1: %s, %d events", part.states(), len(part.Events))
	}
	for _, known := range []player.Known{{From: 99, Events: 99}, {From: -1, Events: -1}, {From: math.MaxInt, Events: math.MaxInt}, {Version: "\x00"}} {
		describe(t, p, known, false, &part)
	}
	if _, err := p.Describe(t.Context(), id+"X", none); err == nil || player.KindOf(err) != player.Gone {
		t.Errorf("another: %v", err)
	}
}

// TestStates: what cannot be played is refused by its kind, shows in the
// recording, and the rest plays on.
func TestStates(t *testing.T) {
	r := playertest.Meeting(t, 6)
	r.SetErr(1, fmt.Errorf("no key: %w", playback.ErrLocked))
	delete(r.Data, 3)
	r.SetErr(5, errors.New("connection refused by store.example"))
	p := serve(t, r)
	var d described
	describe(t, p, none, false, &d)
	if want := "0r 1l 2r 3u 4r 5r"; d.states() != want {
		t.Fatalf("states %s, want %s", d.states(), want)
	}
	if got := p.Failed(); len(got) != 0 {
		t.Errorf("failed %v", got)
	}
	for n, want := range map[int]player.Kind{1: player.Locked, 3: player.Gone, 5: player.Later, 6: player.Gone} {
		if w := segment(t.Context(), p, n); w.err == nil || player.KindOf(w.err) != want || len(w.b) > 0 {
			t.Errorf("segment %d: %v, %d bytes", n, w.err, len(w.b))
		}
	}
	// One that was good when the recording was opened.
	r.SetErr(2, fmt.Errorf("another hash: %w", playback.ErrDamaged))
	for range 2 {
		if w := segment(t.Context(), p, 2); w.err == nil || player.KindOf(w.err) != player.Damaged || len(w.b) > 0 {
			t.Errorf("%v, %d bytes", w.err, len(w.b))
		}
	}
	before := d.Version
	describe(t, p, player.Known{From: 5}, false, &d)
	if want := "1l 2f 3u 5r"; d.states() != want || d.Version == before {
		t.Errorf("states %s, want %s; version %s after %s", d.states(), want, d.Version, before)
	}
	if got := p.Failed()[id]; len(got) != 1 || got[0].Number != 2 || got[0].From != 10*time.Second || got[0].To != 15*time.Second {
		t.Errorf("failed %v", p.Failed())
	}
	kinds := ""
	for _, problem := range d.Problems {
		kinds += fmt.Sprint(problem.Segment, problem.Error, " ")
	}
	if kinds != "1locked 2failed 3gone 5later " {
		t.Errorf("problems %s", kinds)
	}
	// Of the moment: it comes as soon as the store does.
	r.SetErr(5, nil)
	for _, n := range []int{5, 4, 0} {
		if w := segment(t.Context(), p, n); w.err != nil || len(playertest.Parts(t, w.b)) != 2 {
			t.Errorf("segment %d: %v", n, w.err)
		}
	}
}

// TestForeign: a segment of another recording, or number, or that makes no sense,
// is not played.
func TestForeign(t *testing.T) {
	r := playertest.Meeting(t, 5)
	p := serve(t, r)
	text(t, p)
	r.Mu.Lock()
	r.Data[1] = r.Data[2]
	r.Data[3] = r.Data[3][:len(r.Data[3])/3]
	r.Data[4] = []byte("age-encryption.org/v1\n")
	r.Mu.Unlock()
	for _, n := range []int{1, 4} {
		if w := segment(t.Context(), p, n); w.err == nil || player.KindOf(w.err) != player.Damaged || len(w.b) > 0 {
			t.Errorf("segment %d: %v, %d bytes", n, w.err, len(w.b))
		}
	}
	if w := segment(t.Context(), p, 2); w.err != nil {
		t.Errorf("a good one: %d", w.err)
	}
	var failed []int
	for _, seg := range p.Failed()[id] {
		failed = append(failed, seg.Number)
	}
	if !slices.Contains(failed, 1) || !slices.Contains(failed, 4) || slices.Contains(failed, 2) {
		t.Errorf("failed %v", failed)
	}
}

// TestNothingOpens: of a recording that no key opens the page is told so.
func TestNothingOpens(t *testing.T) {
	for kind, err := range map[player.Kind]error{player.Locked: playback.ErrLocked, player.Damaged: playback.ErrDamaged, player.Later: errors.New("no network")} {
		r := playertest.Meeting(t, 2)
		r.SetErr(0, err)
		r.SetErr(1, err)
		if b, err := serve(t, r).Describe(t.Context(), id, none); err == nil || player.KindOf(err) != kind || b != nil {
			t.Errorf("%s: %v %s", kind, err, b)
		}
	}
}

// TestPoll: who waits gets news at once when there are any, and the same again
// when there are none for long.
func TestPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := playertest.Meeting(t, 3)
		p := serve(t, r)
		var d described
		describe(t, p, none, false, &d)
		begun := time.Now()
		if describe(t, p, player.Known{Version: "0.0"}, true, &d); time.Since(begun) != 0 {
			t.Errorf("an old version waited %v", time.Since(begun))
		}
		before := d.Version
		if describe(t, p, player.Known{Version: d.Version}, true, &d); time.Since(begun) != player.UsualPatience().Poll || d.Version != before {
			t.Errorf("nothing new after %v: version %s after %s", time.Since(begun), d.Version, before)
		}
		begun = time.Now()
		var wg sync.WaitGroup
		wg.Go(func() { describe(t, p, player.Known{Version: before, From: 3, Events: 2}, true, &d) })
		synctest.Wait()
		r.SetErr(1, playback.ErrDamaged)
		time.Sleep(3 * time.Second)
		segment(t.Context(), p, 1)
		wg.Wait()
		if time.Since(begun) != 3*time.Second || d.states() != "1f" {
			t.Errorf("after %v: %s", time.Since(begun), d.states())
		}
		// Who goes away is not waited for.
		ctx, cancel := context.WithCancel(t.Context())
		wg.Go(func() {
			if _, err := p.DescribeLater(ctx, id, player.Known{Version: d.Version}); !errors.Is(err, context.Canceled) {
				t.Errorf("it got %v", err)
			}
		})
		synctest.Wait()
		begun = time.Now()
		cancel()
		wg.Wait()
		if time.Since(begun) != 0 {
			t.Errorf("waited %v for nobody", time.Since(begun))
		}
		p.Close()
	})
}

// TestLive follows a recording that goes on, until it is closed.
func TestLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		whole := playertest.Meeting(t, 5)
		var states []*playertest.Recording
		for n := 2; n <= 5; n++ {
			state := *whole
			state.Data = make(map[int][]byte)
			for i := range n {
				state.Data[i] = whole.Data[i]
			}
			state.Desc.State = "open"
			if n == 5 {
				state.Desc.State = "closed"
			}
			states = append(states, &state)
		}
		p := serve(t, states[0])
		var d described
		describe(t, p, none, false, &d)
		if d.State != "open" || d.Duration != 10 {
			t.Fatalf("%s, %v", d.State, d.Duration)
		}
		// The last picture may have a successor: it must not look like a seek.
		if parts := playertest.Parts(t, segment(t.Context(), p, 1).b); parts[1].To <= 10 {
			t.Errorf("the last part ends at %v", parts[1].To)
		}
		for i := range states[:3] {
			begun := time.Now()
			var wg sync.WaitGroup
			from := 2 + i
			known := player.Known{Version: d.Version, From: from, Events: d.EventsTotal}
			var next described
			wg.Go(func() { describe(t, p, known, true, &next) })
			time.Sleep(5 * time.Second)
			whole.Mu.Lock()
			states[i].Later = states[i+1]
			whole.Mu.Unlock()
			wg.Wait()
			if took := time.Since(begun); took > 5*time.Second+2*player.UsualPatience().Follow {
				t.Errorf("it took %v", took)
			}
			if next.states() != fmt.Sprintf("%dr", from) || next.Duration != float64(5*from+5) {
				t.Errorf("step %d: %s, %v", i, next.states(), next.Duration)
			}
			d = next
			if w := segment(t.Context(), p, from); w.err != nil {
				t.Errorf("%v", w.err)
			}
		}
		if d.State != "closed" {
			t.Errorf("state %s", d.State)
		}
		// Nobody asks the store any more.
		time.Sleep(time.Minute)
		synctest.Wait()
		if p.Follows() {
			t.Error("a closed recording is followed")
		}
		p.Close()
	})
}

// TestEventsKeepPlaces: what becomes known later stands behind what was told,
// whatever its time.
func TestEventsKeepPlaces(t *testing.T) {
	r := playertest.Meeting(t, 2)
	r.SetErr(0, errors.New("no network"))
	r.Desc.State = "open"
	p := serve(t, r)
	var d described
	describe(t, p, none, false, &d)
	if d.EventsTotal != 0 {
		t.Fatalf("%d events", d.EventsTotal)
	}
	r.SetErr(0, nil)
	later := *r
	later.Data = map[int][]byte{0: r.Data[0], 1: r.Data[1], 2: playertest.Segment(t, 2, 5*time.Second,
		media.Event{Time: 12 * time.Second, Type: media.EventChat, Text: "late"})}
	r.Mu.Lock()
	r.Later = &later
	r.Mu.Unlock()
	p.Look()
	describe(t, p, none, false, &d)
	if d.EventsTotal != 3 {
		t.Errorf("events %v", d.Events)
	}
}

// TestWideHoles: the page is told how many holes make a recording incomplete, and those
// that people wanted do not.
func TestWideHoles(t *testing.T) {
	for reason, want := range map[string]int{media.HoleLoss: 1, media.HoleConsent: 0, media.HoleUnverified: 0, media.HolePaused: 0} {
		r := playertest.Meeting(t, 2)
		r.Data[0] = playertest.Segment(t, 0, 5*time.Second, media.Event{Type: media.EventHole, Track: playertest.Alice.UID, To: 2 * time.Second, Reason: reason})
		var d struct {
			Holes     []struct{ From, To float64 }
			WideHoles int `json:"wide_holes"`
		}
		describe(t, serve(t, r), none, false, &d)
		if d.WideHoles != want || len(d.Holes) != 1 || d.Holes[0].To != 2 {
			t.Errorf("%s: %+v, want %d", reason, d, want)
		}
	}
}

// hostile is what people may call themselves, and write.
var hostile = []string{
	"</script><script>alert(1)</script>", "\u2028\u2029", "\u202eevil\u202c", "\x00\x01\x7f", "a\"b\\c\nd", "<!--", "&lt;",
	strings.Repeat("𝕏", 1<<18), "\xff\xfe", "__proto__", "constructor",
}

// TestHostile: names, titles and chat come as the strings they are, and the JSON
// has nothing that HTML or JavaScript would take for its own.
func TestHostile(t *testing.T) {
	var events []media.Event
	for _, s := range hostile {
		events = append(events, media.Event{Type: media.EventChat, Participant: s, Name: s, Text: s, Reason: s})
	}
	events = append(events, media.Event{Type: media.EventStart, Text: hostile[0]})
	r := playertest.Meeting(t, 1)
	r.Data[0] = playertest.Segment(t, 0, 5*time.Second, events...)
	for _, s := range hostile {
		r.Desc.Signers = append(r.Desc.Signers, tape.Signer{Who: s})
	}
	l := playertest.Of(r)
	for _, s := range hostile {
		l.Entries = append(l.Entries, &tape.Description{ID: s, Room: s, People: []tape.Person{{Name: s}}, Signers: []tape.Signer{{Who: s}}, Problems: []string{s},
			Opens: tape.Access(s)})
	}
	p := playertest.New(t, player.Config{Library: l})
	var d described
	describe(t, p, none, false, &d)
	if len(d.Events) != len(hostile)+1 || d.Room != hostile[0] || d.Events[0]["name"] != hostile[0] || d.Events[1]["text"] != hostile[1] {
		t.Errorf("%d events, room %q", len(d.Events), d.Room)
	}
	var list struct{ Recordings []map[string]any }
	entries, err := p.Recordings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(entries, &list); err != nil {
		t.Fatal(err)
	}
	if len(list.Recordings) != len(hostile) || list.Recordings[0]["room"] != hostile[0] {
		t.Errorf("%d entries", len(list.Recordings))
	}
	for _, sent := range []string{text(t, p), string(entries)} {
		for _, bad := range []string{"<", ">", "&", "\u2028", "\u2029", "\x00"} {
			if strings.Contains(sent, bad) {
				t.Errorf("the answer has %q as it is", bad)
			}
		}
	}
}

// BenchmarkDescribe is 14 hours of 36 tracks, six of them pictures.
func BenchmarkDescribe(b *testing.B) {
	var segments []playback.Segment
	index := make(map[uint64]int)
	for n := range 10000 {
		seg := playback.Segment{Number: n, From: time.Duration(n) * 5 * time.Second, To: time.Duration(n+1) * 5 * time.Second, State: playback.Readable}
		for uid := range uint64(36) {
			index[uid] = int(uid)
			track := media.IndexTrack{UID: uid}
			if uid < 6 {
				track.Keys = []time.Duration{seg.From, seg.From + 2500*time.Millisecond}
			}
			seg.Tracks = append(seg.Tracks, track)
		}
		segments = append(segments, seg)
	}
	for b.Loop() {
		b.SetBytes(int64(len(player.AppendSegments(nil, segments, 0, index))))
	}
}

// A recorder whom only a link names is shown as claimed, unless another has signed, too.
func TestClaimed(t *testing.T) {
	for _, tt := range []struct {
		signers []tape.Signer
		want    string
	}{
		{[]tape.Signer{{Who: "carol"}}, ""},
		{[]tape.Signer{{Who: "claimed by the link", Claimed: "eight words"}}, "eight words"},
		{[]tape.Signer{{Who: "claimed by the link", Claimed: "eight words"}, {Who: "carol"}}, ""},
	} {
		r := playertest.Meeting(t, 1)
		r.Desc.Signers, r.Desc.Unlisted = tt.signers, tt.want != ""
		var d struct {
			Claimed  string
			Unlisted bool
		}
		describe(t, serve(t, r), none, false, &d)
		if d.Claimed != tt.want || d.Unlisted != (tt.want != "") {
			t.Errorf("%v: %+v", tt.signers, d)
		}
	}
}
