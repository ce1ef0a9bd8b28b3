package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealtape/sealtape/playback"
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
	Problems           []trouble
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
	r := meeting(t, 1)
	r.agreed = map[string][]tape.Agreement{"alice": {{From: time.Second, To: 3 * time.Second, By: tape.Signer{Who: "Alice (words)"}, Readers: []string{"Carol"}}}}
	r.segments[0] = segment(t, 0, 5*time.Second, media.Event{Type: media.EventStart, Text: "Stand-up"},
		media.Event{Type: media.EventNote, Participant: "alice", Reason: media.NoteKey, Text: "signed"})
	var d struct {
		MemberKeys bool `json:"member_keys"`
		Agreed     []map[string]any
		Events     []map[string]any
	}
	getJSON(t, serve(t, r), base, 200, &d)
	want := []map[string]any{{"participant": "alice", "from": 1.0, "to": 3.0, "by": "Alice (words)", "readers": []any{"Carol"}}}
	if !reflect.DeepEqual(d.Agreed, want) || !d.MemberKeys || len(d.Events) != 1 {
		t.Errorf("%+v", d)
	}
}

func TestDescribe(t *testing.T) {
	r := meeting(t, 3)
	r.segments[1] = segment(t, 1, 5*time.Second, media.Event{Time: 6 * time.Second, Type: media.EventHole,
		Participant: "bob", Track: bob.UID, From: 6 * time.Second, To: 6500 * time.Millisecond, Reason: media.HoleLoss})
	s := serve(t, r)
	var d described
	getJSON(t, s, base, 200, &d)
	if d.ID != testID || d.State != "closed" || !d.PostQuantum || d.Command != "sealtape play" || d.Room != "Stand-up" ||
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
		!strings.Contains(get(t, s, base).Body.String(), want) {
		t.Errorf("segments %s", d.Segments)
	}
	if want := `[2,10,15,"r",[[0],[1,10]]]]`; !strings.Contains(get(t, s, base).Body.String(), want) {
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
	getJSON(t, s, base+"?from=2&events=1", 200, &part)
	if part.states() != "2r" || len(part.Events) != 2 || part.EventsTotal != 3 || part.From != 2 || part.EventsFrom != 1 {
		t.Errorf("from 2, 1: %s, %d events", part.states(), len(part.Events))
	}
	for _, q := range []string{"?from=99&events=99", "?from=-1&events=-1", "?from=x&events=99999999999999999999", "?from=%00"} {
		getJSON(t, s, base+q, 200, &part)
	}
	if w := get(t, s, "api/recordings/"+testID+"X"); w.Code != 404 {
		t.Errorf("another: status %d", w.Code)
	}
}

// TestStates: what cannot be played is refused by its kind, shows in the
// recording, and the rest plays on.
func TestStates(t *testing.T) {
	r := meeting(t, 6)
	r.setErr(1, fmt.Errorf("no key: %w", playback.ErrLocked))
	delete(r.segments, 3)
	r.setErr(5, errors.New("connection refused by store.example"))
	s := serve(t, r)
	var d described
	getJSON(t, s, base, 200, &d)
	if want := "0r 1l 2r 3u 4r 5r"; d.states() != want {
		t.Fatalf("states %s, want %s", d.states(), want)
	}
	if got := s.Failed(); len(got) != 0 {
		t.Errorf("failed %v", got)
	}
	for n, want := range map[int]struct {
		status int
		kind   string
	}{1: {423, "locked"}, 3: {404, "gone"}, 5: {503, "later"}, 6: {404, "gone"}} {
		var p problem
		getJSON(t, s, fmt.Sprintf("%s/segments/%d", base, n), want.status, &p)
		if p.Error != want.kind {
			t.Errorf("segment %d: %+v", n, p)
		}
	}
	// One that was good when the recording was opened.
	r.setErr(2, fmt.Errorf("another hash: %w", playback.ErrDamaged))
	for range 2 {
		var p problem
		if getJSON(t, s, base+"/segments/2", 422, &p); p.Error != "failed" {
			t.Errorf("%+v", p)
		}
	}
	before := d.Version
	getJSON(t, s, base+"?from=5&events=0", 200, &d)
	if want := "1l 2f 3u 5r"; d.states() != want || d.Version == before {
		t.Errorf("states %s, want %s; version %s after %s", d.states(), want, d.Version, before)
	}
	if got := s.Failed()[testID]; len(got) != 1 || got[0].Number != 2 || got[0].From != 10*time.Second || got[0].To != 15*time.Second {
		t.Errorf("failed %v", s.Failed())
	}
	kinds := ""
	for _, p := range d.Problems {
		kinds += strconv.Itoa(p.Segment) + p.Error + " "
	}
	if kinds != "1locked 2failed 3gone 5later " {
		t.Errorf("problems %s", kinds)
	}
	// Of the moment: it comes as soon as the store does.
	r.setErr(5, nil)
	for _, n := range []int{5, 4, 0} {
		if w := get(t, s, fmt.Sprintf("%s/segments/%d", base, n)); w.Code != 200 || len(readParts(t, w.Body)) != 2 {
			t.Errorf("segment %d: status %d", n, w.Code)
		}
	}
}

// TestForeign: a segment of another recording, or number, or that makes no sense,
// is not played.
func TestForeign(t *testing.T) {
	r := meeting(t, 5)
	s := serve(t, r)
	get(t, s, base)
	r.mu.Lock()
	r.segments[1] = r.segments[2]
	r.segments[3] = r.segments[3][:len(r.segments[3])/3]
	r.segments[4] = []byte("age-encryption.org/v1\n")
	r.mu.Unlock()
	var p problem
	getJSON(t, s, base+"/segments/1", 422, &p)
	getJSON(t, s, base+"/segments/4", 422, &p)
	if w := get(t, s, base+"/segments/2"); w.Code != 200 {
		t.Errorf("a good one: %d", w.Code)
	}
	var failed []int
	for _, seg := range s.Failed()[testID] {
		failed = append(failed, seg.Number)
	}
	if !slices.Contains(failed, 1) || !slices.Contains(failed, 4) || slices.Contains(failed, 2) {
		t.Errorf("failed %v", failed)
	}
}

// TestNothingOpens: of a recording that no key opens the page is told so.
func TestNothingOpens(t *testing.T) {
	for kind, err := range map[string]error{"locked": playback.ErrLocked, "failed": playback.ErrDamaged, "later": errors.New("no network")} {
		r := meeting(t, 2)
		r.setErr(0, err)
		r.setErr(1, err)
		w := get(t, serve(t, r), base)
		var p problem
		if json.Unmarshal(w.Body.Bytes(), &p); p.Error != kind {
			t.Errorf("%s: %d %s", kind, w.Code, w.Body)
		}
	}
}

// TestPoll: who waits gets news at once when there are any, and the same again
// when there are none for long.
func TestPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := meeting(t, 3)
		s := serve(t, r)
		var d described
		getJSON(t, s, base, 200, &d)
		begun := time.Now()
		if getJSON(t, s, base+"?wait=0.0", 200, &d); time.Since(begun) != 0 {
			t.Errorf("an old version waited %v", time.Since(begun))
		}
		before := d.Version
		if getJSON(t, s, base+"?wait="+d.Version, 200, &d); time.Since(begun) != usualPatience.poll || d.Version != before {
			t.Errorf("nothing new after %v: version %s after %s", time.Since(begun), d.Version, before)
		}
		begun = time.Now()
		var wg sync.WaitGroup
		wg.Go(func() { getJSON(t, s, base+"?wait="+before+"&from=3&events=2", 200, &d) })
		synctest.Wait()
		r.setErr(1, playback.ErrDamaged)
		time.Sleep(3 * time.Second)
		get(t, s, base+"/segments/1")
		wg.Wait()
		if time.Since(begun) != 3*time.Second || d.states() != "1f" {
			t.Errorf("after %v: %s", time.Since(begun), d.states())
		}
		// Who goes away is not waited for.
		ctx, cancel := context.WithCancel(t.Context())
		wg.Go(func() { request(ctx, s, base+"?wait="+d.Version) })
		synctest.Wait()
		begun = time.Now()
		cancel()
		wg.Wait()
		if time.Since(begun) != 0 {
			t.Errorf("waited %v for nobody", time.Since(begun))
		}
		s.Close()
	})
}

// TestLive follows a recording that goes on, until it is closed.
func TestLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		whole := meeting(t, 5)
		var states []*fakeRecording
		for n := 2; n <= 5; n++ {
			state := *whole
			state.segments = make(map[int][]byte)
			for i := range n {
				state.segments[i] = whole.segments[i]
			}
			state.log.State = "open"
			if n == 5 {
				state.log.State = "closed"
			}
			states = append(states, &state)
		}
		s := serve(t, states[0])
		var d described
		getJSON(t, s, base, 200, &d)
		if d.State != "open" || d.Duration != 10 {
			t.Fatalf("%s, %v", d.State, d.Duration)
		}
		// The last picture may have a successor: it must not look like a seek.
		if p := readParts(t, get(t, s, base+"/segments/1").Body); p[1].To <= 10 {
			t.Errorf("the last part ends at %v", p[1].To)
		}
		for i := range states[:3] {
			begun := time.Now()
			var wg sync.WaitGroup
			from, events := 2+i, d.EventsTotal
			var next described
			wg.Go(func() {
				getJSON(t, s, fmt.Sprintf("%s?wait=%s&from=%d&events=%d", base, d.Version, from, events), 200, &next)
			})
			time.Sleep(5 * time.Second)
			whole.mu.Lock()
			states[i].later = states[i+1]
			whole.mu.Unlock()
			wg.Wait()
			if took := time.Since(begun); took > 5*time.Second+2*usualPatience.follow {
				t.Errorf("it took %v", took)
			}
			if next.states() != fmt.Sprintf("%dr", from) || next.Duration != float64(5*from+5) {
				t.Errorf("step %d: %s, %v", i, next.states(), next.Duration)
			}
			d = next
			if w := get(t, s, fmt.Sprintf("%s/segments/%d", base, from)); w.Code != 200 {
				t.Errorf("status %d", w.Code)
			}
		}
		if d.State != "closed" {
			t.Errorf("state %s", d.State)
		}
		// Nobody asks the store any more.
		time.Sleep(time.Minute)
		synctest.Wait()
		if s.shelf[0].follows {
			t.Error("a closed recording is followed")
		}
		s.Close()
	})
}

// TestEventsKeepPlaces: what becomes known later stands behind what was told,
// whatever its time.
func TestEventsKeepPlaces(t *testing.T) {
	r := meeting(t, 2)
	r.setErr(0, errors.New("no network"))
	r.log.State = "open"
	s := serve(t, r)
	var d described
	getJSON(t, s, base, 200, &d)
	if d.EventsTotal != 0 {
		t.Fatalf("%d events", d.EventsTotal)
	}
	r.setErr(0, nil)
	later := *r
	later.segments = map[int][]byte{0: r.segments[0], 1: r.segments[1], 2: segment(t, 2, 5*time.Second,
		media.Event{Time: 12 * time.Second, Type: media.EventChat, Text: "late"})}
	r.mu.Lock()
	r.later = &later
	r.mu.Unlock()
	s.shelf[0].waiting++
	s.shelf[0].look()
	getJSON(t, s, base, 200, &d)
	if d.EventsTotal != 3 {
		t.Errorf("events %v", d.Events)
	}
}

// TestWideHoles: the page is told how many holes make a recording incomplete, and those
// that people wanted do not.
func TestWideHoles(t *testing.T) {
	for reason, want := range map[string]int{media.HoleLoss: 1, media.HoleConsent: 0, media.HoleUnverified: 0, media.HolePaused: 0} {
		r := meeting(t, 2)
		r.segments[0] = segment(t, 0, 5*time.Second, media.Event{Type: media.EventHole, Track: alice.UID, To: 2 * time.Second, Reason: reason})
		var d struct {
			Holes     []struct{ From, To float64 }
			WideHoles int `json:"wide_holes"`
		}
		getJSON(t, serve(t, r), base, 200, &d)
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
	r := meeting(t, 1)
	r.segments[0] = segment(t, 0, 5*time.Second, events...)
	for _, s := range hostile {
		r.log.Signers = append(r.log.Signers, tape.Signer{Who: s})
	}
	l := &fakeLibrary{recordings: map[string]*fakeRecording{testID: r}}
	for _, s := range hostile {
		l.entries = append(l.entries, &tape.Description{ID: s, Room: s, People: []tape.Person{{Name: s}}, Signers: []tape.Signer{{Who: s}}, Problems: []string{s},
			Opens: tape.Access(s)})
	}
	s := serveLibrary(t, l, 0)
	var d described
	getJSON(t, s, base, 200, &d)
	if len(d.Events) != len(hostile)+1 || d.Room != hostile[0] || d.Events[0]["name"] != hostile[0] || d.Events[1]["text"] != hostile[1] {
		t.Errorf("%d events, room %q", len(d.Events), d.Room)
	}
	var list struct{ Recordings []map[string]any }
	getJSON(t, s, "api/recordings", 200, &list)
	if len(list.Recordings) != len(hostile) || list.Recordings[0]["room"] != hostile[0] {
		t.Errorf("%d entries", len(list.Recordings))
	}
	for _, w := range []*httptest.ResponseRecorder{get(t, s, base), get(t, s, "api/recordings")} {
		for _, bad := range []string{"<", ">", "&", "\u2028", "\u2029", "\x00"} {
			if strings.Contains(w.Body.String(), bad) {
				t.Errorf("the answer has %q as it is", bad)
			}
		}
	}
}

// TestList: what of an entry is not known is empty, never null.
func TestList(t *testing.T) {
	hole := func(reason string) []tape.Hole {
		return tape.Holes(nil, nil, []media.Event{{Type: media.EventHole, Track: 1, To: 6 * time.Second, Reason: reason}})
	}
	l := &fakeLibrary{entries: []*tape.Description{
		{ID: "A", State: "closed", Room: "Stand-up", Title: "Board", Start: testStart, Duration: 90 * time.Second,
			People:  []tape.Person{{Identity: "a1", Name: "Alice"}, {Identity: "a2", Name: "Alice"}},
			Signers: []tape.Signer{{Who: "carol"}}, Opens: tape.AccessAll, Bytes: 12345, HolesKnown: true, Holes: hole(media.HoleConsent)},
		{ID: "B", State: "open", Opens: tape.AccessNone, Missing: []string{"index/000000.age"}},
		{ID: "C", State: "closed", Opens: tape.AccessPart, HolesKnown: true, Holes: hole(media.HoleLoss)},
	}}
	s := serveLibrary(t, l, 0)
	want := `{"recordings":[{"id":"A","state":"closed","room":"Stand-up","title":"Board","start":"2026-03-04T05:06:07.000008Z",` +
		`"duration":90,"people":["Alice (a1)","Alice (a2)"],"signers":["carol"],"access":"all","incomplete":false,"bytes":12345,"problem":null},` +
		`{"id":"B","state":"open","room":"","title":"","start":"","duration":0,"people":[],"signers":[],"access":"none",` +
		`"incomplete":true,"bytes":0,"problem":{"code":"missing","count":1}},` +
		`{"id":"C","state":"closed","room":"","title":"","start":"","duration":0,"people":[],"signers":[],"access":"part",` +
		`"incomplete":true,"bytes":0,"problem":null}]}` + "\n"
	if got := get(t, s, "api/recordings").Body.String(); got != want {
		t.Errorf("got %s", got)
	}
	l.entries = nil
	if got := get(t, s, "api/recordings").Body.String(); got != `{"recordings":[]}`+"\n" {
		t.Errorf("got %s", got)
	}
	l.err = errors.New("no network to store.example")
	var p problem
	getJSON(t, s, "api/recordings", 503, &p)
	if body := get(t, s, "api/recordings").Body.String(); p.Error != "later" || strings.Contains(body, "store.example") {
		t.Errorf("%s", body)
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
		b.SetBytes(int64(len(appendSegments(nil, segments, 0, index))))
	}
}
