package main

import (
	"context"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"filippo.io/age"
	"github.com/pion/rtp"
	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
	"github.com/sealtape/sealtape/archive/storetest"
	"github.com/sealtape/sealtape/playback/tape"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/bot"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/roomtest"
)

// TestRecordCountsAsInfo: people who come and go, one who only writes, a track that
// is published again, one that is refused, a long hole declared in pieces and one
// in another's time. What the recorder says at the end is what is read of it.
func TestRecordCountsAsInfo(t *testing.T) {
	signer, verifier := storetest.SigningKeys(t, "recorder")
	reader, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	var id string
	var report recorder.Report
	synctest.Test(t, func(t *testing.T) {
		w, err := archive.Create(folder, archive.Config{Signer: signer})
		if err != nil {
			t.Fatal(err)
		}
		id = w.ID()
		if _, err := w.StartEpoch([]age.Recipient{reader.Recipient()}); err != nil {
			t.Fatal(err)
		}
		room := roomtest.New("counted")
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		done := make(chan error)
		go func() {
			var err error
			report, err = recorder.New(recorder.Config{Recording: id, Sink: bot.Sink(w), Notices: recorder.Notices{Start: "recording"}}).Record(ctx, room)
			done <- err
		}()
		synctest.Wait()
		info := func(id, who string, encrypted bool) recorder.TrackInfo {
			return recorder.TrackInfo{ID: id, Participant: who, Name: who, Source: media.Microphone, Codec: media.Opus, ClockRate: 48000,
				Channels: 1, Encrypted: encrypted}
		}
		talk := func(track *roomtest.Track, from, to int) {
			for n := from; n < to; n++ {
				track.Send(&rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: uint16(n), Timestamp: uint32(960 * n), SSRC: 1},
					Payload: []byte{0xf8, byte(n), byte(n >> 8), 7}})
				time.Sleep(20 * time.Millisecond)
			}
		}
		room.Join("ada", "Ada")
		room.Join("ben", "Ben")
		room.Leave("ben")
		room.Join("ben", "Ben")
		room.Say("eve", "hello")
		refused := room.Publish(info("TR_r", "ben", true)) // of which there is no key
		go talk(refused, 0, 600)
		first := room.Publish(info("TR_1", "ada", false))
		talk(first, 0, 200)
		time.Sleep(700 * time.Millisecond)
		talk(first, 235, 300)
		first.End()
		time.Sleep(time.Second)
		talk(room.Publish(info("TR_2", "ada", false)), 0, 400)
		stop()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	})

	store, err := dir.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	rec, err := tape.Open(t.Context(), store, id, tape.Options{Options: archive.Options{Verifiers: note.VerifierList(verifier), Identities: []age.Identity{reader}}})
	if err != nil {
		t.Fatal(err)
	}
	d, err := rec.Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := len(d.People); got != report.Participants || got != 2 {
		t.Errorf("info lists %d people, the recorder counts %d", got, report.Participants)
	}
	if got := len(d.Tracks); got != report.Tracks || got != 2 {
		t.Errorf("info lists the tracks %+v, the recorder counts %d", d.Tracks, report.Tracks)
	}
	holes := make(map[string]time.Duration)
	for _, h := range d.Holes {
		holes[h.Reason] += h.To - h.From
	}
	if !maps.Equal(holes, report.Holes) || holes[media.HoleNoKey] < 11*time.Second || holes[media.HoleLoss] < 600*time.Millisecond {
		t.Errorf("info lists holes of %v, the recorder counts %v", holes, report.Holes)
	}
	if v := d.Verdict(); !report.Incomplete || !v.Incomplete() {
		t.Errorf("the recorder says %v, info %v", report.Incomplete, v)
	}
	if g, err := rec.Glance(t.Context()); err != nil || g.Duration != d.Duration || d.Duration != report.Duration {
		t.Errorf("list says %v, info %v, the recorder %v, %v", g.Duration, d.Duration, report.Duration, err)
	}
}
