//go:build unix

package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/show"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/testdata/browser"
	"github.com/sealtape/sealtape/testdata/members"
)

// sharing has a member be in a Chromium that tests share, and hear what that hears.
func (l *lab) sharing(in *fixture[*browser.Chromium], c browser.Config) browser.Config {
	l.t.Helper()
	c.In = in.get(l.t)
	c.WAV = c.In.WAV
	return c
}

// enter starts browsers in rooms of the lab's server, side by side.
func (l *lab) enter(configs ...browser.Config) []*browser.Member {
	l.t.Helper()
	all := make([]*browser.Member, len(configs))
	var g errgroup.Group
	for i, c := range configs {
		c.URL = l.lk.URL
		g.Go(func() (err error) {
			all[i], err = browser.Start(l.ctx, c)
			return err
		})
	}
	err := g.Wait()
	l.t.Cleanup(func() {
		for _, m := range all {
			if m == nil {
				continue
			}
			if err := m.Leave(); err != nil {
				l.t.Error(err)
			}
		}
	})
	if err != nil {
		l.t.Fatal(err)
	}
	return all
}

// TestBrowsersToMinIO records two Chromium members, who publish known tones and
// pictures through livekit-client's own end-to-end encryption, to a real MinIO,
// and holds what comes out against what they say they sent.
func TestBrowsersToMinIO(t *testing.T) {
	l := newBrowserLab(t, busyBrowsers)
	store := l.minIO()
	recorderHome, recorderCard := l.person("Recorder")
	readerHome, readerCard := l.person("Reader", recorderCard)
	l.must(recorderHome, "keys", "add", "--yes", writeCard(t, readerCard))

	room := l.room("the browsers' room")
	type person struct {
		identity, name string
		hz             float64
		screen         bool
		member         *browser.Member
		state          browser.State
	}
	people := []*person{{identity: "ada", name: "Ada", hz: 440}, {identity: "ben", name: "Ben", hz: 1000, screen: true}}
	join := func(p *person) {
		wav := filepath.Join(l.dir, p.identity+".wav")
		if err := browser.Beeps(wav, p.hz, 8*time.Second); err != nil {
			t.Fatal(err)
		}
		p.member = l.enter(browser.Config{Token: l.token(members.Grant{Room: room, Identity: p.identity, Name: p.name}),
			Passphrase: labPassphrase, WAV: wav, Camera: true, Screen: p.screen})[0]
	}

	// One member is there before the recorder, the other comes later.
	join(people[0])
	rec := l.record(recorderHome, "--room", room, "--store", store, "--reader", "Reader", "--identity", "recorder", "--segment", "1s",
		"--metrics-addr", "127.0.0.1:0")
	l.segments(readerHome, store, rec.id, 0)
	join(people[1])
	l.informed(readerHome, store, rec.id, "both were heard to speak", func(i *show.InfoJSON) bool {
		spoke := spokeIn(i.Timeline)
		return spoke["ada"] >= time.Second && spoke["ben"] >= time.Second
	})
	for _, p := range people {
		for _, s := range []browser.Source{browser.Microphone, browser.Camera, browser.Screen} {
			if s == browser.Screen && !p.screen {
				continue
			}
			if err := p.member.Unpublish(l.ctx, s); err != nil {
				t.Fatal(err)
			}
		}
		p.state = p.member.State()
		if len(p.state.Errors) > 0 {
			t.Errorf("%s had trouble: %q", p.name, p.state.Errors)
		}
	}
	l.until("the end of the tracks reaches the recorder", func() bool { return rec.metric("sealtape_tracks") == 0 })
	code := rec.accounts(rec.stop(syscall.SIGINT), readerHome, store)
	t.Logf("recorder:\n%s", rec.stderr())

	l.exits(code, readerHome, "verify", rec.id, "--store", store)
	info := recordingInfo(t, l.informs(readerHome, rec.id, "--store", store, "--json"))
	mkv := filepath.Join(l.dir, "meeting.mkv")
	l.exits(code, readerHome, "export", rec.id, "--store", store, "-o", mkv)
	tracks := filepath.Join(l.dir, "tracks")
	l.exits(code, readerHome, "export", rec.id, "--store", store, "-o", tracks, "--format", "tracks")

	streams := probe(t, mkv)
	for _, p := range people {
		bot, ok := p.state.Participants["recorder"]
		if !ok {
			t.Fatalf("%s never saw the recorder", p.name)
		}
		if !slices.ContainsFunc(p.state.Messages, func(m browser.Message) bool {
			return strings.Contains(m.Text, "being recorded") && strings.Contains(m.Text, recorderCard.Fingerprint().String()) &&
				strings.Contains(m.Text, readerCard.Fingerprint().String())
		}) {
			t.Errorf("%s was not told of the recording, its recorder and its reader: %+v", p.name, p.state.Messages)
		}
		for source, label := range map[browser.Source]string{browser.Microphone: "microphone", browser.Camera: "camera", browser.Screen: "screen"} {
			pub, ok := p.state.Published[source]
			if !ok {
				continue
			}
			title := p.name + " (" + label + ")"
			s, ok := streams[title]
			if !ok {
				t.Errorf("no track %q in the export; there are %v", title, streams)
				continue
			}
			first := info.start.Add(s.first)
			if !bot.At.Before(first) {
				t.Errorf("%s: the first frame was kept at %v, the recorder was listed at %v", title, first, bot.At)
			}
			sent := pub.Sent
			if sent.Before(info.start) {
				sent = info.start
			}
			// A picture begins with a key frame, which the server asks for at its
			// own pace: what that took, beyond a moment, is declared.
			published, kept, declared := pub.Ended.Sub(sent), s.last-s.first, info.holes[title]
			t.Logf("%-18s published %v, kept %v, declared %v, listed %v before the first frame", title, published, kept, declared, first.Sub(bot.At))
			// A page on a busy machine notes late that it sends, and its encoder drops
			// pictures, the first and the last among them: for a second and more.
			missing, allowed := published-kept-declared, 500*time.Millisecond
			if source != browser.Microphone {
				allowed = 2 * time.Second
			}
			if missing > allowed || missing < -2*time.Second || declared > 2*time.Second {
				t.Errorf("%s: %v was published, %v kept and %v declared", title, published, kept, declared)
			}
		}
		if info.spoke[p.identity] < time.Second {
			t.Errorf("%s's tone was heard as %v of speech: the timeline has %v", p.name, info.spoke[p.identity], info.spoke)
		}
		for _, q := range people {
			level := tone(t, mkv, streams[p.name+" (microphone)"].index, q.hz)
			if q == p && level < -20 {
				t.Errorf("%s's own tone of %v Hz is at %.1f dB in the track", p.name, q.hz, level)
			}
			if q != p && level > -50 {
				t.Errorf("%s's tone of %v Hz is at %.1f dB in %s's track", q.name, q.hz, level, p.name)
			}
		}
	}
	if len(streams) != 5 {
		t.Errorf("%d media tracks, want 5: %v", len(streams), streams)
	}
	decodes(t, mkv)
	for _, name := range []string{"Ada-microphone.ogg", "Ada-camera.webm", "Ben-microphone.ogg", "Ben-camera.webm", "Ben-screen.webm"} {
		decodes(t, filepath.Join(tracks, name))
	}
}

type stream struct {
	index       int
	first, last time.Duration // of its packets, the last one's duration included
}

// probe returns the sound and picture streams of a file by title.
func probe(t *testing.T, file string) map[string]stream {
	t.Helper()
	out, err := exec.Command("ffprobe", "-v", "error", "-of", "json", "-show_entries",
		"stream=index,codec_type:stream_tags=title:packet=stream_index,pts_time,duration_time,size", file).Output()
	if err != nil {
		t.Fatalf("ffprobe: %v", err)
	}
	var p struct {
		Streams []struct {
			Index int
			Type  string `json:"codec_type"`
			Tags  struct{ Title string }
		}
		Packets []struct {
			Stream   int     `json:"stream_index"`
			Pts      float64 `json:"pts_time,string"`
			Duration float64 `json:"duration_time,string"`
			Size     int     `json:"size,string"`
		}
	}
	if err := json.Unmarshal(out, &p); err != nil {
		t.Fatal(err)
	}
	sound := make(map[int]bool)
	for _, s := range p.Streams {
		sound[s.Index] = s.Type == "audio"
	}
	byIndex := make(map[int]*stream)
	for _, k := range p.Packets {
		if sound[k.Stream] && (k.Size == 3 || k.Size == 14) {
			continue // the silence that an export puts where there is nothing
		}
		at, end := pts(k.Pts), pts(k.Pts+k.Duration)
		s := byIndex[k.Stream]
		if s == nil {
			s = &stream{index: k.Stream, first: at}
			byIndex[k.Stream] = s
		}
		s.first, s.last = min(s.first, at), max(s.last, end)
	}
	all := make(map[string]stream)
	for _, s := range p.Streams {
		if s.Type == "audio" || s.Type == "video" {
			if byIndex[s.Index] == nil {
				t.Fatalf("stream %d has no packets", s.Index)
			}
			all[s.Tags.Title] = *byIndex[s.Index]
		}
	}
	return all
}

func pts(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// decodes fails the test unless ffmpeg decodes the whole file without a word.
// It keeps the file's own time base: by default ffmpeg guesses a constant frame
// rate, and complains where a browser's pictures came closer together.
func decodes(t *testing.T, file string) {
	t.Helper()
	out, err := exec.Command("ffmpeg", "-v", "error", "-i", file, "-map", "0:v?", "-map", "0:a?",
		"-enc_time_base:v", "-1", "-f", "null", "-").CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("ffmpeg does not like %s: %v\n%s", filepath.Base(file), err, out)
	}
}

// tone returns how strong a frequency is in a stream, in dB of full scale, by
// Goertzel's algorithm over its whole length.
func tone(t *testing.T, file string, index int, hz float64) float64 {
	t.Helper()
	const rate = 48000
	out, err := exec.Command("ffmpeg", "-v", "error", "-i", file, "-map", fmt.Sprintf("0:%d", index),
		"-ac", "1", "-ar", fmt.Sprint(rate), "-f", "s16le", "-").Output()
	if err != nil {
		t.Fatalf("ffmpeg: %v", err)
	}
	var power float64
	const block = rate / 10
	blocks := 0
	for ; len(out) >= 2*block; out = out[2*block:] {
		k := 2 * math.Cos(2*math.Pi*hz/rate)
		var s1, s2 float64
		for i := range block {
			x := float64(int16(binary.LittleEndian.Uint16(out[2*i:]))) / 32768
			s1, s2 = x+k*s1-s2, s1
		}
		power += (s1*s1 + s2*s2 - k*s1*s2) / (block * block / 4)
		blocks++
	}
	if blocks == 0 {
		t.Fatalf("stream %d has no sound", index)
	}
	return 10 * math.Log10(power/float64(blocks)+1e-12)
}

type recordingFacts struct {
	start time.Time
	holes map[string]time.Duration // by track label
	spoke map[string]time.Duration // by identity
}

// recordingInfo reads what info --json says.
func recordingInfo(t *testing.T, out string) recordingFacts {
	t.Helper()
	var v struct {
		Start time.Time
		Holes []struct {
			Label, Reason string
			From, To      float64
		}
		Timeline []media.Event
	}
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		t.Fatal(err)
	}
	if v.Start.IsZero() {
		t.Fatalf("info does not say when the recording started:\n%s", out)
	}
	f := recordingFacts{start: v.Start, holes: make(map[string]time.Duration), spoke: spokeIn(v.Timeline)}
	for _, h := range v.Holes {
		f.holes[h.Label] += pts(h.To - h.From)
	}
	return f
}

// spokeIn returns how long each was heard to speak.
func spokeIn(timeline []media.Event) map[string]time.Duration {
	spoke := make(map[string]time.Duration)
	for _, e := range timeline {
		if e.Type == media.EventSpeaking {
			spoke[e.Participant] += e.To - e.From
		}
	}
	return spoke
}
