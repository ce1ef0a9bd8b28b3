//go:build unix

package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/show"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/testdata/media"
	"github.com/sealtape/sealtape/testdata/members"
)

// join lets a member join a room of the lab's server.
func (l *lab) join(c members.Config) *members.Member {
	l.t.Helper()
	c.URL, c.APIKey, c.APISecret = l.lk.URL, l.lk.APIKey, l.lk.APISecret
	m, err := members.Join(l.ctx, c)
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() {
		if err := m.Leave(); err != nil {
			l.t.Error(err)
		}
	})
	return m
}

// publisher lets a member join who speaks and shows a clock.
func (l *lab) publisher(room, identity, name string) *members.Member {
	l.t.Helper()
	return l.join(members.Config{Room: room, Identity: identity, Name: name, Passphrase: labPassphrase,
		Audio: media.Speech(0), Video: briefClock()})
}

// briefClock is the beginning of media.Clock(0), shown in a second: with a key frame as
// often, a segment lasts no longer, and there is half of the packets.
func briefClock() []byte {
	const header, frameHeader, frames = 32, 12, 10
	file := media.Clock(0)
	rate, scale := file[16:], file[20:]
	binary.LittleEndian.PutUint32(rate, frames)
	binary.LittleEndian.PutUint32(scale, 1)
	end := header
	for range frames {
		end += frameHeader + int(binary.LittleEndian.Uint32(file[end:]))
	}
	return file[:end]
}

// TestRoomsEndAndStockTools runs a recorder as a service, lets the last member
// leave, which ends the room and the recording, and then opens the archive
// without Sealtape, by the lines in archive/FORMAT.md and README.md.
func TestRoomsEndAndStockTools(t *testing.T) {
	l := newLab(t)
	recorderHome, recorderCard := l.person("Recorder")
	readerHome, readerCard := l.person("Reader", recorderCard)
	l.must(recorderHome, "keys", "add", "--yes", writeCard(t, readerCard))
	store := filepath.Join(l.dir, "store")
	m := l.publisher(l.room("weekly"), "ada", "Ada")
	rec := l.operate(recorderHome, l.room("weekly"), "store: "+store+"\nreader: [Reader]\nsegment: 1s\ngrace: never\n")
	l.segments(recorderHome, store, rec.id, 2)
	rec.running("Ada", "Reader", "weekly")
	if err := m.Leave(); err != nil {
		t.Fatal(err)
	}
	code := rec.accounts(rec.wait(), readerHome, store)
	rec.ended("Ada", "Reader", "weekly")
	if left, err := os.ReadDir(filepath.Join(recorderHome, "spool")); err != nil || len(left) > 0 {
		t.Errorf("the spool still holds %v (%v)", left, err)
	}
	if out := l.exits(code, readerHome, "verify", rec.id, "--store", store); code == 0 && !strings.Contains(out, "whole and closed") {
		t.Errorf("verify says:\n%s", out)
	}

	if out := l.exits(code, readerHome, "verify", rec.id, "--store", store, "--deep"); code == 0 && !strings.Contains(out, "whole and closed") {
		t.Errorf("verify --deep says:\n%s", out)
	}
	// Whoever trusts the recorder can tell, without being a reader.
	auditorHome, _ := l.person("Auditor", recorderCard)
	if out := l.must(auditorHome, "verify", rec.id, "--store", store); !strings.Contains(out, "verified: closed; holes are not known without a key") {
		t.Errorf("verify says to an auditor:\n%s", out)
	}
	for _, args := range [][]string{{"info", rec.id, "--store", store}, {"export", rec.id, "--store", store, "-o", filepath.Join(l.dir, "no.mkv")}} {
		if out, errs, code := l.run(auditorHome, nil, args...); code != ui.ExitNoKey {
			t.Errorf("%s: exit code %d for who is no reader, want %d\n%s%s", args[0], code, ui.ExitNoKey, out, errs)
		}
	}
	strangerHome, _ := l.person("Stranger")
	if out, errs, code := l.run(strangerHome, nil, "verify", rec.id, "--store", store); code != ui.ExitUnverified {
		t.Errorf("verify: exit code %d for who does not know the recorder, want %d\n%s%s", code, ui.ExitUnverified, out, errs)
	}

	shell := exec.Command("sh", "-euc", `
		sha256sum -c log/0000
		"$AGE" -d -i "$ME" epochs/000001.age > "$OUT/epoch.txt"
		for segment in segments/00000[1-3].age; do # a picture may come late
			"$AGE" -d -i "$OUT/epoch.txt" "$segment" > "$OUT/segment.mkv"
			ffprobe -v error -show_entries stream=codec_name:stream_tags=title -of csv=p=0 "$OUT/segment.mkv"
		done`)
	shell.Dir = filepath.Join(store, rec.id)
	shell.Env = append(os.Environ(), "AGE="+filepath.Join(l.bin, "age"), "ME="+filepath.Join(readerHome, "identity.txt"), "OUT="+t.TempDir())
	out, err := shell.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"segments/000001.age: OK", "opus,Ada (microphone)", "vp8,Ada (camera)"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%q is not in:\n%s", want, out)
		}
	}
}

// TestKillAndRecover kills the recorder in the middle, finishes the recording
// with what it left, and reads it, on both kinds of store.
func TestKillAndRecover(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"folder", "s3"} {
		t.Run(kind, func(t *testing.T) {
			l := newLab(t)
			store := filepath.Join(l.dir, "store")
			if kind == "s3" {
				store = l.minIO()
			}
			killAndRecover(l, store)
		})
	}
}

func killAndRecover(l *lab, store string) {
	t := l.t
	home, _ := l.person("Recorder")
	l.publisher(l.room("weekly"), "ada", "Ada")
	rec := l.record(home, "--room", l.room("weekly"), "--store", store, "--reader", "Recorder", "--segment", "1s")
	var began float64
	l.informed(home, store, rec.id, "three seconds with her sound", func(i *show.InfoJSON) bool {
		sounds := i.Duration != nil && slices.ContainsFunc(i.Tracks, func(tr show.InfoTrackJSON) bool { return tr.Source == "microphone" && tr.Codec != "" })
		if sounds && began == 0 {
			began = *i.Duration
		}
		return sounds && *i.Duration >= began+3
	})
	if code := rec.stop(syscall.SIGKILL); code == 0 {
		t.Fatal("a killed recorder ended well")
	}
	out, errs, code := l.run(home, nil, "recover", "--store", store)
	if code != 0 || !strings.Contains(out+errs, rec.id) {
		t.Fatalf("recover: exit code %d\n%s%s", code, out, errs)
	}
	if left, err := os.ReadDir(filepath.Join(home, "spool")); err != nil || len(left) > 0 {
		t.Errorf("the spool still holds %v (%v)", left, err)
	}
	out, errs, code = l.run(home, nil, "verify", rec.id, "--store", store)
	if code != ui.ExitIncomplete || !strings.Contains(out, "cut") {
		t.Errorf("verify: exit code %d, want %d\n%s%s", code, ui.ExitIncomplete, out, errs)
	}
	file := filepath.Join(l.dir, "weekly.mkv")
	if _, errs, code := l.run(home, nil, "export", rec.id, "--store", store, "-o", file); code != ui.ExitIncomplete {
		t.Errorf("export: exit code %d, want %d\n%s", code, ui.ExitIncomplete, errs)
	}
	if s := probe(t, file)["Ada (microphone)"]; s.last-s.first < 2*time.Second {
		t.Errorf("the export holds %v of sound", s.last-s.first)
	}
	plain := filepath.Join(l.dir, "plain")
	if _, errs, code := l.run(home, nil, "decrypt", rec.id, "--store", store, "-o", plain); code != ui.ExitIncomplete {
		t.Errorf("decrypt: exit code %d, want %d\n%s", code, ui.ExitIncomplete, errs)
	}
	if files, err := filepath.Glob(filepath.Join(plain, "*.mkv")); err != nil || len(files) < 3 {
		t.Errorf("decrypt wrote %v (%v)", files, err)
	}
	again, errs, code := l.run(home, nil, "recover", "--store", store)
	if code != 0 || strings.Contains(again+errs, rec.id) {
		t.Errorf("a second recover: exit code %d\n%s%s", code, again, errs)
	}
}

// TestDemo runs the demo as README tells a newcomer to. Where a machine is too busy for its
// members to agree, and be seen, in so short a meeting, it has a longer one.
func TestDemo(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"folder", "s3"} {
		t.Run(kind, func(t *testing.T) {
			inRealTime(t)
			length := 4 * time.Second
			for ; length < time.Minute; length *= 4 {
				lacks := demoLacks(t, length, kind == "s3")
				if lacks == "" {
					return
				}
				t.Logf("in %v: %s", length, lacks)
			}
			t.Errorf("there was no whole demo, in %v either", length/4)
		})
	}
}

// demoLacks runs the demo, and says what its recording lacks.
func demoLacks(t *testing.T, length time.Duration, s3 bool) (lacks string) {
	t.Helper()
	l := newDesk(t)
	args := []string{"demo", "--no-browser", "--duration", length.String()}
	if s3 {
		args = append(args, "--s3")
	}
	// The servers are built into the cache of whoever runs the tests.
	out, errs, code := l.run(l.dir, []string{"HOME=" + os.Getenv("HOME"), "XDG_CACHE_HOME=" + cacheDir(t)}, args...)
	if code != 0 {
		return fmt.Sprintf("exit code %d\n%s%s", code, out, errs)
	}
	for _, want := range []string{"none of them is there", "verified: whole and closed", "Alice Demo (microphone)", "Bob Demo (camera)",
		"Alice was told: \"This meeting is being recorded"} {
		if !strings.Contains(out+errs, want) {
			return fmt.Sprintf("%q is not in:\n%s", want, out)
		}
	}
	files, err := filepath.Glob(filepath.Join(l.dir, "tmp", "sealtape-demo-*", "meeting.mkv"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v %v", files, err)
	}
	decodes(t, files[0])
	if streams := probe(t, files[0]); len(streams) != 4 {
		return fmt.Sprintf("tracks: %v", streams)
	}
	return ""
}

func cacheDir(t *testing.T) string {
	t.Helper()
	dir, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestStatusText(t *testing.T) {
	now := time.Unix(5000, 0)
	for _, tt := range []struct {
		status  recorder.Status
		rate    float64
		waiting int
		want    string
	}{
		{recorder.Status{Started: now.Add(-83 * time.Second), Participants: 1, Tracks: 1}, 31999, 0,
			"● 1:23  1 person  1 track  32 kbit/s  0 lost  all stored"},
		{recorder.Status{Started: now.Add(-3*time.Hour - time.Second), Participants: 12, Tracks: 20, Lost: 7, Failed: 3}, 4.25e6, 9,
			"● 3:00:01  12 people  20 tracks  4.2 Mbit/s  7 lost  3 not opened  9 waiting for the store"},
		{recorder.Status{Started: now.Add(-time.Second), Participants: 2, Tracks: 3, Unopened: []recorder.Unopened{
			{Participant: "ada", Name: "Ada\x1b[2J", Source: "microphone"}, {Participant: "ben", Source: "camera"}}}, 0, 0,
			`● ! Ada\u{1b}[2J (microphone) and 1 more not recorded  1.0s  2 people  3 tracks  0 kbit/s  0 lost  all stored`},
		{recorder.Status{Started: now.Add(-time.Second), Participants: 2, Tracks: 33, TurnedAway: []recorder.TurnedAway{
			{Participant: "eve", Name: "Eve\t", Tracks: 28}, {Participant: "ben", Tracks: 1}}}, 0, 0,
			`● ! 28 tracks of Eve\u{9} not recorded, too many, and of 1 more  1.0s  2 people  33 tracks  0 kbit/s  0 lost  all stored`},
	} {
		if got := statusText(tt.status, tt.rate, tt.waiting, now); got != tt.want {
			t.Errorf("got  %q\nwant %q", got, tt.want)
		}
	}
}

func TestMeter(t *testing.T) {
	var m meter
	at := time.Unix(0, 0)
	var rate float64
	for n := range 40 {
		rate = m.read(at.Add(time.Duration(n)*500*time.Millisecond), int64(n)*62500)
	}
	if rate < 0.99e6 || rate > 1.01e6 {
		t.Errorf("62,500 bytes each half second are %.0f bit/s, want 1,000,000", rate)
	}
}
