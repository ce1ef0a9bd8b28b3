package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log"
	"path/filepath"
	"time"

	lksdk "github.com/livekit/server-sdk-go/v2"

	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/testdata/browser"
	"github.com/sealtape/sealtape/testdata/servers"
)

// changing captures a member with raw keys of its own, of 256 bits, that starts
// at one index, ratchets there three times and goes on at another. Of each key
// some frames are taken.
func changing(ctx context.Context, server *servers.LiveKit, out string) error {
	const room, first, second, window = "changing", 3, 200, 8
	keys := [2][]byte{make([]byte, 32), make([]byte, 16)}
	for _, k := range keys {
		rand.Read(k) // never fails
	}
	tapes := newTapes()
	r, err := lksdk.ConnectToRoom(server.URL, lksdk.ConnectInfo{
		APIKey: server.APIKey, APISecret: server.APISecret, RoomName: room, ParticipantIdentity: "subscriber",
	}, tapes.callback())
	if err != nil {
		return err
	}
	defer r.Disconnect()
	member, version, err := publisher(ctx, server, room, browser.Config{Key: keys[0], KeyIndex: first, KeyBits: 256})
	if err != nil {
		return err
	}
	defer member.Leave()

	audio, err := tapes.wait(ctx, media.Opus, 50)
	if err != nil {
		return err
	}
	video, err := tapes.wait(ctx, media.VP8, 50)
	if err != nil {
		return err
	}
	var marks [2][]int // packets that had come when each key was in use
	more := func() error {
		for i, t := range []*tape{audio, video} {
			marks[i] = append(marks[i], len(t.all()))
			if err := t.until(ctx, func() bool { return len(t.packets) >= marks[i][len(marks[i])-1]+60 }); err != nil {
				return err
			}
		}
		return nil
	}
	if err := more(); err != nil {
		return err
	}
	for range 3 {
		if err := member.Ratchet(ctx, first); err != nil {
			return err
		}
		time.Sleep(time.Second) // nothing tells when the worker has done it
		if err := more(); err != nil {
			return err
		}
	}
	if err := member.SetKey(ctx, second, keys[1]); err != nil {
		return err
	}
	time.Sleep(time.Second)
	if err := more(); err != nil {
		return err
	}
	if errs := member.State().Errors; len(errs) > 0 {
		return fmt.Errorf("the browser reports %q", errs)
	}

	for i, t := range []*tape{audio, video} {
		f := &fixture{
			About: fmt.Sprintf("%s with livekit-client 2.23.0 (e2ee option, keys per participant) through livekit-server 1.11.0, received by server-sdk-go 2.18.1; "+
				"made by testdata/frames/capture. Some frames under a key, under the three after it in its ratchet, and under another at another index.", version),
			Codec: t.codec, KeySize: 32, RatchetWindow: window,
			Keys: []fixtureKey{{Index: first, Raw: keys[0], Derivation: "hkdf"}, {Index: second, Raw: keys[1], Derivation: "hkdf"}},
		}
		if err := f.choose(t.all(), marks[i]); err != nil {
			return fmt.Errorf("%s: %w", t.codec, err)
		}
		name := fmt.Sprintf("chromium-%s-keys.json", t.codec)
		if err := write(filepath.Join(out, name), f); err != nil {
			return err
		}
		log.Printf("%s: %d frames", name, len(f.Frames))
	}
	return nil
}

// choose takes four small frames after each mark, and holds them against the
// keys: those of one mark are under one key, those of the next under another.
func (f *fixture) choose(packets []packet, marks []int) error {
	ring := frame.NewKeyring(256, frame.KeyOptions{Size: f.KeySize, RatchetWindow: f.RatchetWindow})
	for _, k := range f.Keys {
		if err := ring.SetRaw(k.Index, k.Raw, frame.HKDF); err != nil {
			return err
		}
	}
	d := frame.NewDecrypter(f.Codec, ring)
	a := frame.NewAssembler(frame.AssemblerConfig{Codec: f.Codec})
	start, taken, mark := time.Now(), 0, 0
	for i, p := range packets {
		if mark+1 < len(marks) && i >= marks[mark+1] {
			mark, taken = mark+1, 0
		}
		a.Push(p.rtp.Clone(), start.Add(p.at))
		for u, ok := a.Pop(start.Add(p.at)); ok; u, ok = a.Pop(start.Add(p.at)) {
			if u.Kind != frame.UnitFrame || i < marks[mark] || taken == 4 || len(u.Data) > 3000 {
				continue
			}
			version := ring.Version()
			if _, err := d.Decrypt(nil, u.Data); err != nil {
				return fmt.Errorf("frame %d: %w", len(f.Frames), err)
			}
			if ratcheted := ring.Version() != version; ratcheted != (taken == 0 && mark >= 1 && mark <= 3) {
				return fmt.Errorf("frame %d of key %d: ratcheted %v", taken, mark, ratcheted)
			}
			f.Frames = append(f.Frames, fixtureUnit{u.Data, u.Key})
			taken++
		}
	}
	if len(f.Frames) != 4*len(marks) {
		return fmt.Errorf("%d frames for %d keys", len(f.Frames), len(marks))
	}
	return nil
}
