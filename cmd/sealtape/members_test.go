//go:build unix

package main

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/show"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/keys/member"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
	fixtures "github.com/sealtape/sealtape/testdata/media"
	"github.com/sealtape/sealtape/testdata/members"
)

// identity loads the keys of a home.
func (l *lab) identity(home string) (*keys.Home, *keys.Identity) {
	l.t.Helper()
	h, err := keys.OpenHome(home)
	if err != nil {
		l.t.Fatal(err)
	}
	id, err := h.Load(nil)
	if err != nil {
		l.t.Fatal(err)
	}
	return h, id
}

// prover joins a room as a member who proves who they are with the keys of a home.
func (l *lab) prover(home string, c members.Config) *members.Member {
	l.t.Helper()
	h, id := l.identity(home)
	c.Passphrase, c.Key, c.Judge = labPassphrase, id, h
	return l.join(c)
}

// recorderSeen waits until a member has verified the room's recorder, which
// records, and returns it.
func (l *lab) recorderSeen(m *members.Member, fits func(member.Peer) bool) (found member.Peer) {
	l.t.Helper()
	if err := m.Wait(l.ctx, func() bool {
		for _, p := range m.Session().Peers() {
			if p.Recorder && p.Standing == member.Verified && fits(p) {
				found = p
				return true
			}
		}
		return false
	}); err != nil {
		l.t.Fatalf("no verified recorder: %v; %+v %+v", err, m.Session().Peers(), m.Troubles())
	}
	return found
}

// timeline returns the events of a recording.
func (l *lab) timeline(home, id, store string) []media.Event {
	l.t.Helper()
	var info struct{ Timeline []media.Event }
	if err := json.Unmarshal([]byte(l.informs(home, id, "--store", store, "--json")), &info); err != nil {
		l.t.Fatal(err)
	}
	return info.Timeline
}

// TestVerifiedMembersBecomeReaders: who proves a pinned card reads what they
// attend, without a word of the operator or the server; who proves another card,
// or nothing, does not. All who are verified see the same meeting code.
func TestVerifiedMembersBecomeReaders(t *testing.T) {
	l := newLab(t)
	home, recorderCard := l.person("Recorder")
	adaHome, adaCard := l.person("Ada", recorderCard)
	benHome, benCard := l.person("Ben", recorderCard, adaCard)
	eveHome, _ := l.person("Eve", recorderCard)
	for _, c := range []keys.Card{adaCard, benCard} {
		l.must(home, "keys", "add", "--yes", writeCard(t, c))
	}
	store := filepath.Join(l.dir, "store")
	speaker := l.publisher(l.room("weekly"), "speaker", "Speaker")
	rec := l.record(home, "--room", l.room("weekly"), "--store", store, "--reader", "Recorder", "--segment", "1s")
	l.segments(home, store, rec.id, 1)
	ada := l.prover(adaHome, members.Config{Room: l.room("weekly"), Identity: "phone-17", Name: "Somebody", Audio: fixtures.Speech(0)})
	ben := l.prover(benHome, members.Config{Room: l.room("weekly"), Identity: "laptop-4", Name: "Ben"})
	eve := l.prover(eveHome, members.Config{Room: l.room("weekly"), Identity: "eve", Name: "Ada"})
	reads := func(n int) func(member.Peer) bool {
		return func(p member.Peer) bool { return p.State.Phase == "recording" && len(p.State.Readers) == n }
	}
	seen := l.recorderSeen(ada, reads(3))
	if code := l.recorderSeen(ben, reads(3)).Code; code != seen.Code {
		t.Errorf("ada sees the code %q, ben %q", seen.Code, code)
	}
	l.recorderSeen(eve, reads(3))
	if seen.State.Recording != rec.id || seen.State.Store != "folder" || seen.State.Readers[0] != (member.Reader{Fingerprint: recorderCard.Fingerprint(), Name: "Recorder"}) {
		t.Errorf("the recorder says %+v", seen.State)
	}
	if p := ben.Session().Peer("phone-17"); p.Standing != member.Verified || p.Card.Name != "Ada" {
		t.Errorf("ben takes ada for %+v", p)
	}
	told := func(what string) bool {
		return slices.ContainsFunc(speaker.Messages(), func(m members.Message) bool { return strings.Contains(m.Text, what) })
	}
	if err := speaker.Wait(l.ctx, func() bool {
		return told("Meeting code: "+seen.Code) && told("Ada ("+adaCard.Fingerprint().String())
	}); err != nil {
		t.Errorf("the chat was told %+v", speaker.Messages())
	}
	for _, home := range []string{adaHome, benHome} {
		l.stored(store, rec.id, "members read what they attend", func() bool {
			opened, _ := l.tryKey(home, store, rec.id)
			return len(opened) > 1
		})
	}
	for _, m := range []*members.Member{ada, ben, eve} {
		if err := m.Leave(); err != nil {
			t.Error(err)
		}
		if trouble := m.Troubles(); len(trouble) > 0 {
			t.Errorf("troubles: %+v", trouble)
		}
	}
	for _, home := range []string{adaHome, benHome} {
		l.stored(store, rec.id, "what follows is not for them", func() bool {
			opened, locked := l.tryKey(home, store, rec.id)
			return locked[len(locked)-1] > opened[len(opened)-1]
		})
	}
	rec.accounts(rec.stop(syscall.SIGINT), home, store)
	if !strings.Contains(rec.stderr(), "meeting code: "+seen.Code) {
		t.Errorf("the code %q was not told to who runs the recorder:\n%s", seen.Code, rec.stderr())
	}
	for _, tt := range []struct {
		name, home string
		opens      bool
	}{{"ada", adaHome, true}, {"ben", benHome, true}, {"eve", eveHome, false}} {
		opened, locked := l.tryKey(tt.home, store, rec.id)
		if len(opened) > 0 != tt.opens || len(locked) < 3 {
			t.Errorf("%s opens %v and not %v", tt.name, opened, locked)
		}
	}
	var verified []string
	for _, e := range l.timeline(home, rec.id, store) {
		if e.Type == media.EventVerified {
			verified = append(verified, e.Participant+" is "+e.Name+" by "+e.Reason)
		}
		if e.Type == media.EventIntegrity {
			t.Errorf("trouble: %+v", e)
		}
	}
	slices.Sort(verified)
	if want := []string{"laptop-4 is Ben by proof", "phone-17 is Ada by proof"}; !slices.Equal(verified, want) {
		t.Errorf("verified %q, want %q", verified, want)
	}
}

// TestCallerIsRecordedOpenly: where --allow-plaintext says so, who has no keys is
// recorded, with their consent by the keys of a telephone, and marked so; anybody
// else without encryption is not.
func TestCallerIsRecordedOpenly(t *testing.T) {
	l := newLab(t)
	home, _ := l.person("Recorder")
	store := filepath.Join(l.dir, "store")
	writer := l.publisher(l.room("weekly"), "writer", "Writes")
	open := func(identity string, kind members.Kind) *members.Member {
		t.Helper()
		return l.join(members.Config{Room: l.room("weekly"), Identity: identity, Name: "By " + identity, Audio: fixtures.Speech(1),
			Token: l.token(members.Grant{Room: l.room("weekly"), Identity: identity, Name: "By " + identity, Kind: kind})})
	}
	caller := open("telephone", members.SIP)
	open("browser", members.Standard)
	rec := l.record(home, "--room", l.room("weekly"), "--store", store, "--reader", "Recorder", "--segment", "1s", "--consent", "ask",
		"--allow-plaintext", "sip,agent", "--metrics-addr", "127.0.0.1:0")
	if err := writer.Wait(l.ctx, func() bool {
		return slices.ContainsFunc(writer.Messages(), func(m members.Message) bool {
			return strings.Contains(m.Text, "without end-to-end encryption is recorded too, and marked so: callers by telephone, agents.") && strings.Contains(m.Text, "On a telephone, press 1")
		})
	}); err != nil {
		t.Fatalf("the writer was told %+v", writer.Messages())
	}
	rec.withholds(150, recorder.NotPermitted) // a second and a half of the caller and the writer
	for _, key := range []string{"9", "1"} {
		if err := caller.Dial(key); err != nil {
			t.Fatal(err)
		}
	}
	l.informed(home, store, rec.id, "the caller's track", func(i *show.InfoJSON) bool { return len(i.Tracks) > 0 })
	if code := rec.stop(syscall.SIGINT); code != 3 { // the browser's track was refused
		t.Fatalf("record: exit code %d\n%s", code, rec.stderr())
	}
	var consent []string
	reasons := make(map[string][]string)
	for _, e := range l.timeline(home, rec.id, store) {
		switch e.Type {
		case media.EventConsent:
			consent = append(consent, e.Participant+" "+e.Reason+" "+e.Text)
		case media.EventTrack, media.EventHole:
			reasons[e.Participant] = append(reasons[e.Participant], e.Reason)
		}
	}
	if !slices.Equal(consent, []string{"telephone given pressed 1"}) || !slices.Contains(reasons["telephone"], media.TrackPlaintext) ||
		!slices.Contains(reasons["telephone"], media.HoleConsent) || !slices.Contains(reasons["browser"], media.HolePlaintext) {
		t.Errorf("consent %q, reasons %v", consent, reasons)
	}
	var info struct {
		Tracks []struct {
			Participant string
			Codec       string // "" where nothing was kept
			Plaintext   bool
		}
	}
	if err := json.Unmarshal([]byte(l.informs(home, rec.id, "--store", store, "--json")), &info); err != nil {
		t.Fatal(err)
	}
	for _, tr := range info.Tracks {
		if caller := tr.Participant == "telephone"; caller != (tr.Codec != "") || caller != tr.Plaintext {
			t.Errorf("track %+v", tr)
		}
	}
	if out := l.informs(home, rec.id, "--store", store); !strings.Contains(out, "2 channels, not encrypted in the room") && !strings.Contains(out, "1 channel, not encrypted in the room") {
		t.Errorf("info says %s", out)
	}
}

// TestConsentIsAsked: nothing of anyone is kept before they agree, in the chat or
// with their key, and nothing after they take it back.
func TestConsentIsAsked(t *testing.T) {
	l := newLab(t)
	home, recorderCard := l.person("Recorder")
	adaHome, adaCard := l.person("Ada", recorderCard)
	l.must(home, "keys", "add", "--yes", writeCard(t, adaCard))
	store := filepath.Join(l.dir, "store")
	l.publisher(l.room("weekly"), "mute", "Says nothing")
	writer := l.publisher(l.room("weekly"), "writer", "Writes")
	ada := l.prover(adaHome, members.Config{Room: l.room("weekly"), Identity: "ada", Name: "Ada", Audio: fixtures.Speech(0)})
	rec := l.record(home, "--room", l.room("weekly"), "--store", store, "--reader", "Recorder", "--segment", "1s", "--consent", "ask", "--metrics-addr", "127.0.0.1:0")
	bot := l.recorderSeen(ada, func(p member.Peer) bool { return p.State.Phase == "recording" && p.State.Consent == "ask" })
	if err := writer.Wait(l.ctx, func() bool {
		return slices.ContainsFunc(writer.Messages(), func(m members.Message) bool { return strings.Contains(m.Text, `write "yes" in the chat`) })
	}); err != nil {
		t.Fatalf("the writer was told %+v", writer.Messages())
	}
	rec.withholds(200, recorder.NotPermitted) // a second of all three
	if err := ada.Session().Answer(l.ctx, bot.Identity, true); err != nil {
		t.Fatal(err)
	}
	writer.Say("Yes.")
	l.informed(home, store, rec.id, "tracks of both", func(i *show.InfoJSON) bool {
		has := func(identity string) bool {
			return slices.ContainsFunc(i.Tracks, func(tr show.InfoTrackJSON) bool { return tr.Participant == identity && tr.Codec != "" })
		}
		return has("ada") && has("writer")
	})
	if err := ada.Session().Answer(l.ctx, bot.Identity, false); err != nil {
		t.Fatal(err)
	}
	l.informed(home, store, rec.id, "ada's word that she takes it back", func(i *show.InfoJSON) bool {
		return slices.ContainsFunc(i.Timeline, func(e media.Event) bool {
			return e.Type == media.EventConsent && e.Participant == "ada" && e.Reason == "withdrawn"
		})
	})
	writer.Say("yes") // said before, and of no effect for ada
	l.informed(home, store, rec.id, "what the writer writes", func(i *show.InfoJSON) bool {
		return slices.ContainsFunc(i.Timeline, func(e media.Event) bool { return e.Type == media.EventChat && e.Text == "yes" })
	})
	l.lasts(home, store, rec.id, time.Second)
	rec.accounts(rec.stop(syscall.SIGINT), home, store)
	said := make(map[string][]string)
	var missing []string
	for _, e := range l.timeline(home, rec.id, store) {
		switch {
		case e.Type == media.EventConsent:
			said[e.Participant] = append(said[e.Participant], e.Reason)
		case e.Type == media.EventHole && e.Reason == media.HoleConsent:
			missing = append(missing, e.Participant)
		}
	}
	if !slices.Equal(said["ada"], []string{"given", "withdrawn"}) || !slices.Equal(said["writer"], []string{"given"}) || len(said) != 2 {
		t.Errorf("answers %v", said)
	}
	for _, who := range []string{"ada", "mute", "writer"} {
		if !slices.Contains(missing, who) {
			t.Errorf("nothing of %s is missing before they agreed", who)
		}
	}
	out := l.informs(home, rec.id, "--store", store, "--json")
	var info struct {
		Tracks []struct{ Participant, Codec string }
	}
	if err := json.Unmarshal([]byte(out), &info); err != nil {
		t.Fatal(err)
	}
	for _, tr := range info.Tracks {
		if tr.Participant == "mute" && tr.Codec != "" {
			t.Errorf("a track of who never agreed is in the recording")
		}
	}
}
