//go:build unix

package main

import (
	"cmp"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/show"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/testdata/calls"
	"github.com/sealtape/sealtape/testdata/matrixjs"
)

// A callPerson is somebody in a Matrix call, in Chromium, with a tone and a colour of
// their own.
type callPerson struct {
	*matrixjs.Person
	name  string // that the person's user has in the room
	entry matrixjs.Entry
}

// identity is the person's in a recording, in both formats.
func (p *callPerson) identity() string { return p.User + ":" + p.Device }

// A matrixMeeting is a room with people of whom some are in its call, and a recorder's
// home.
type matrixMeeting struct {
	*matrixLab
	room    string
	owner   *calls.User
	bot     *calls.User
	home    string // the recorder's
	card    keys.Card
	store   string
	browser *matrixjs.Browser
	people  []*callPerson
}

// meeting has people log in and join a room, to which the recorder is invited.
func (m *matrixLab) meeting(sticky bool, names ...string) *matrixMeeting {
	m.t.Helper()
	g := &matrixMeeting{matrixLab: m, bot: m.user("bot"), store: filepath.Join(m.dir, "store")}
	g.home, g.card = m.recorder("Recorder")
	if err := m.account(g.home, g.bot).Close(); err != nil {
		m.t.Fatal(err)
	}
	var err error
	if g.browser, err = matrixjs.Open(m.ctx, keyed.get(m.t), nil); err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() {
		if m.t.Failed() {
			log, _ := g.browser.Log(context.Background())
			lines := strings.Split(log, "\n")
			m.t.Logf("the browser says:\n%s", strings.Join(lines[max(0, len(lines)-60):], "\n"))
		}
		if err := g.browser.Close(); err != nil {
			m.t.Error(err)
		}
	})
	users := make([]*calls.User, len(names))
	for i, name := range names {
		users[i] = m.user(name)
	}
	g.owner = users[0]
	g.room = m.callRoom(calls.Room{Name: "Weekly"}, users[0], g.bot, users[1:]...)
	g.people = make([]*callPerson, len(names))
	var logins errgroup.Group
	for i, u := range users {
		logins.Go(func() error {
			p, err := g.browser.Login(m.ctx, matrixjs.Login{Homeserver: m.URL, User: u.ID, Password: u.Password})
			name, _, _ := strings.Cut(strings.TrimPrefix(u.ID, "@"), ":")
			g.people[i] = &callPerson{p, name, matrixjs.Entry{Service: m.service, Sticky: sticky, Hz: float64(400 + 250*i), Colour: []string{"#c00", "#00c", "#080"}[i]}}
			return err
		})
	}
	if err := logins.Wait(); err != nil {
		m.t.Fatal(err)
	}
	return g
}

func (g *matrixMeeting) enter(p *callPerson) {
	g.t.Helper()
	if err := p.Enter(g.ctx, g.room, p.entry); err != nil {
		g.t.Fatal(err)
	}
}

func (g *matrixMeeting) leave(p *callPerson) {
	g.t.Helper()
	if err := p.Leave(g.ctx); err != nil {
		g.t.Fatal(err)
	}
}

// sees waits until a person sees something.
func (g *matrixMeeting) sees(p *callPerson, what string, cond func(matrixjs.State) bool) matrixjs.State {
	g.t.Helper()
	s, err := p.Wait(g.ctx, g.room, cond)
	if err != nil {
		g.t.Fatalf("%s does not see %s: %v\n%+v\n%s", p.name, what, err, s, g.told())
	}
	return s
}

// recordCall starts a recorder, which may have to wait for somebody to be there, and
// returns at once.
func (g *matrixMeeting) recordCall(args ...string) *recorderProcess {
	g.t.Helper()
	p := g.begin(g.command(g.home, nil, append([]string{"record", "--matrix", g.room, "--store", g.store, "--segment", "1s", "--reader", "Recorder"}, args...)...))
	g.told = func() string { // what it lacks is seen from the recording only while there is time
		said := "recorder:\n" + p.stderr()
		if p.stdout() == "" || g.ctx.Err() != nil {
			return said
		}
		i := g.info(g.home, g.store, strings.TrimSpace(p.stdout()))
		for _, tr := range i.Tracks {
			said += fmt.Sprintf("track %s %s %s\n", tr.Participant, tr.Source, tr.Codec)
		}
		for _, h := range i.Holes {
			said += fmt.Sprintf("hole %s %.2f %.2f %s\n", h.Label, h.From, h.To, h.Reason)
		}
		for _, e := range i.Timeline {
			said += fmt.Sprintf("%7.2f %s %s %s %s %s\n", e.From.Seconds(), e.Type, e.Participant, e.Name, e.Text, e.Reason)
		}
		return said
	}
	return &recorderProcess{process: p}
}

// records waits until the recorder has printed the recording's ID.
func (r *recorderProcess) records() {
	r.l.t.Helper()
	select {
	case r.id = <-r.lines:
	case <-r.ended:
		r.l.t.Fatalf("sealtape record ended: %v\n%s", r.cmd.ProcessState, r.stderr())
	case <-r.l.ctx.Done():
		r.l.t.Fatalf("sealtape record records nothing\n%s", r.stderr())
	}
}

// kept reports whether a recording has frames of a source of a person's.
func (p *callPerson) kept(i *show.InfoJSON, source string) bool {
	return slices.ContainsFunc(i.Tracks, func(tr show.InfoTrackJSON) bool {
		return tr.Participant == p.identity() && tr.Source == source && tr.Codec != ""
	})
}

// keeps waits until the recording has a microphone and a camera of each of the people.
func (g *matrixMeeting) keeps(id string, people ...*callPerson) *show.InfoJSON {
	g.t.Helper()
	var names []string
	for _, p := range people {
		names = append(names, p.name)
	}
	return g.informed(g.home, g.store, id, fmt.Sprintf("tracks of %s", names), func(i *show.InfoJSON) bool {
		return !slices.ContainsFunc(people, func(p *callPerson) bool {
			return !p.kept(i, "microphone") || !p.kept(i, "camera")
		})
	})
}

// joins waits until a person came so many times by the recording's timeline.
func (g *matrixMeeting) joins(id string, p *callPerson, times int) {
	g.t.Helper()
	g.informed(g.home, g.store, id, fmt.Sprintf("%s has come %d times", p.name, times), func(i *show.InfoJSON) bool {
		n := 0
		for _, e := range i.Timeline {
			if e.Type == media.EventJoin && e.Participant == p.identity() {
				n++
			}
		}
		return n >= times
	})
}

// onlyStarts fails the test where a recording lacks something else than the beginnings of
// tracks, as a busy machine may make it lack; and never for want of a key.
func onlyStarts(t *testing.T, i *show.InfoJSON) {
	t.Helper()
	longest := 0.0
	for _, h := range i.Holes {
		switch h.Reason {
		case media.HoleStart:
			longest = max(longest, h.To-h.From)
		case media.HoleLoss, media.HoleKeyFrame, media.HolePaused:
		default:
			t.Errorf("%s misses %.2f to %.2f s: %s", h.Label, h.From, h.To, h.Reason)
		}
	}
	t.Logf("%d holes, the longest at a start %.2f s", len(i.Holes), longest)
}

// carries exports a recording and fails the test unless each person's sound is their tone,
// and their picture their colour.
func (g *matrixMeeting) carries(id string, people ...*callPerson) {
	g.t.Helper()
	file := filepath.Join(g.dir, id+".mkv")
	if out, errs, code := g.run(g.home, nil, "export", id, "--store", g.store, "-o", file); code != 0 && code != 3 {
		g.t.Fatalf("export: exit code %d\n%s%s", code, out, errs)
	}
	decodes(g.t, file)
	streams := probe(g.t, file)
	for _, p := range people {
		sound, ok := streams[p.name+" (microphone)"]
		if !ok {
			g.t.Errorf("no sound of %s is in %v", p.name, streams)
			continue
		}
		for _, q := range people {
			level := tone(g.t, file, sound.index, q.entry.Hz)
			if q == p && level < -25 || q != p && level > -50 {
				g.t.Errorf("%s's tone is at %.1f dB in %s's track", q.name, level, p.name)
			}
		}
		picture, ok := streams[p.name+" (camera)"]
		if !ok {
			g.t.Errorf("no picture of %s is in %v", p.name, streams)
			continue
		}
		if got := colourOf(g.t, file, picture); got != p.entry.Colour {
			g.t.Errorf("%s's camera saw %s, and the recording shows %s", p.name, p.entry.Colour, got)
		}
	}
}

// colourOf returns which of red, green and blue a picture is at its end.
func colourOf(t *testing.T, file string, s stream) string {
	t.Helper()
	at := s.last - 500*time.Millisecond
	out, err := exec.Command("ffmpeg", "-v", "error", "-i", file, "-ss", fmt.Sprintf("%.3f", max(at, s.first).Seconds()), // after -i: from a key frame on
		"-map", fmt.Sprintf("0:%d", s.index), "-frames:v", "1", "-vf", "scale=1:1", "-pix_fmt", "rgb24", "-f", "rawvideo", "-").Output()
	if err != nil || len(out) < 3 {
		t.Fatalf("ffmpeg: %d bytes, %v", len(out), err)
	}
	colours := []string{"#c00", "#080", "#00c"}
	best := slices.MaxFunc([]int{0, 1, 2}, func(a, b int) int { return cmp.Compare(out[a], out[b]) })
	return colours[best]
}
