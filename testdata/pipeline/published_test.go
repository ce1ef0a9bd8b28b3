//go:build linux || darwin

package pipeline_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"fmt"
	"io"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/pion/rtp"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/storetest"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/bot"
	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/media"
)

const payloadSize = 1180 // of a packet, at most, its payload descriptor counted

// published is what the members of an encrypted room send, all of it ready.
type published struct {
	infos          []recorder.TrackInfo
	sent           [][]packet // by track
	frames         [][]byte   // of all tracks, sealed, in order of time
	packets, bytes int        // bytes of frames, sealed
	keys           *frame.Keyring
	aead           cipher.AEAD // that they are sealed with
}

// A packet arrives so long after the beginning.
type packet struct {
	rtp.Packet
	at time.Duration
}

// newPublished makes tracks of a codec with frames of a size.
func newPublished(b *testing.B, codec media.Codec, tracks, frames, size int) *published {
	b.Helper()
	p := &published{keys: frame.NewKeyring(0, frame.KeyOptions{}), sent: make([][]packet, tracks)}
	if err := p.keys.SetRaw(0, []byte("the key of this room"), frame.HKDF); err != nil {
		b.Fatal(err)
	}
	block, err := aes.NewCipher(p.keys.Key(0))
	if err != nil {
		b.Fatal(err)
	}
	if p.aead, err = cipher.NewGCM(block); err != nil {
		b.Fatal(err)
	}
	info := recorder.TrackInfo{Source: media.Microphone, Codec: codec, ClockRate: 48000, Channels: 2, Encrypted: true}
	every := 20 * time.Millisecond
	if !codec.Audio() {
		info.Source, info.ClockRate, info.Channels = media.Camera, 90000, 0
		every = time.Second / 30
	}
	var seals []*frame.Encrypter
	for i := range tracks {
		info.ID, info.Participant = fmt.Sprint("TR_", i), fmt.Sprint("member-", i)
		p.infos = append(p.infos, info)
		seals = append(seals, frame.NewEncrypter(codec, p.keys, 0, uint32(i+1)))
	}
	plain := make([]byte, size)
	rand.Read(plain)
	for n := range frames {
		at := time.Duration(n) * every
		ts := uint32(at * time.Duration(info.ClockRate) / time.Second)
		if codec == media.Opus {
			plain[0] = 0xfc // a frame of 20 ms, stereo
		} else if plain[0] = 0x11; n%300 == 0 {
			copy(plain, []byte{0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x00, 0x05, 0xd0, 0x02}) // key frame, 1280x720
		}
		for i := range tracks {
			sealed, err := seals[i].Encrypt(nil, plain, ts)
			if err != nil {
				b.Fatal(err)
			}
			p.frames = append(p.frames, sealed)
			p.bytes += len(sealed)
			p.packetize(i, sealed, ts, at)
		}
	}
	return p
}

// packetize cuts a frame of the i-th track into packets.
func (p *published) packetize(i int, sealed []byte, ts uint32, at time.Duration) {
	add := func(payload []byte, last bool) {
		p.packets++
		p.sent[i] = append(p.sent[i], packet{at: at, Packet: rtp.Packet{Payload: payload, Header: rtp.Header{
			Version: 2, SSRC: uint32(i + 1), SequenceNumber: uint16(len(p.sent[i])), Timestamp: ts, Marker: last}}})
	}
	if p.infos[i].Codec == media.Opus {
		add(sealed, false)
		return
	}
	descriptor := byte(0x10) // a partition begins
	for piece := range slices.Chunk(sealed, payloadSize-1) {
		add(append([]byte{descriptor}, piece...), false)
		descriptor = 0
	}
	p.sent[i][len(p.sent[i])-1].Marker = true
}

// header is how many bytes of a frame are in the clear.
func (p *published) header(f []byte) int {
	switch {
	case p.infos[0].Codec == media.Opus:
		return 1
	case f[0]&1 == 0:
		return 10
	}
	return 3
}

// record seals all of it into a new folder.
func (p *published) record(b *testing.B, folder string, reader age.Recipient) {
	b.Helper()
	w := newWriter(b, folder, reader)
	report, err := recorder.New(recorder.Config{Recording: w.ID(), Sink: bot.Sink(w), Keys: recorder.SharedKeys(p.keys),
		Notices: recorder.Notices{Start: "recording"}}).Record(b.Context(), newRoom(p))
	if err != nil {
		b.Fatal(err)
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	if report.Frames != int64(len(p.frames)) || len(report.Holes) > 0 {
		b.Fatalf("%d of %d frames were recorded, and holes declared: %v", report.Frames, len(p.frames), report.Holes)
	}
}

// newWriter begins a recording in folder that reader can open.
func newWriter(tb testing.TB, folder string, reader age.Recipient) *archive.Writer {
	tb.Helper()
	signer, _ := storetest.SigningKeys(tb, "recorder")
	w, err := archive.Create(folder, archive.Config{Signer: signer})
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := w.StartEpoch([]age.Recipient{reader}); err != nil {
		tb.Fatal(err)
	}
	return w
}

// A room delivers what was published as fast as it is taken.
type room struct {
	*published
	start  time.Time
	next   int           // track that Accept hands out
	closed chan struct{} // closed when the last track was read to its end

	mu      sync.Mutex
	changed sync.Cond // whenever seconds did
	seconds []int     // of the meeting that the tracks have come to
	left    int       // tracks that are not over
}

func newRoom(p *published) *room {
	r := &room{published: p, closed: make(chan struct{}), seconds: make([]int, len(p.sent)), left: len(p.sent)}
	r.changed.L = &r.mu
	return r
}

func (r *room) Name() string { return "weekly" }

func (r *room) Announce(context.Context, string) error { return nil }

func (r *room) Close() error { return nil }

func (r *room) Accept(context.Context) (recorder.RoomEvent, error) {
	if r.next == len(r.sent) {
		<-r.closed
		return recorder.RoomEvent{}, recorder.ErrEnded
	}
	if r.next == 0 {
		r.start = time.Now()
	}
	i := r.next
	r.next++
	return recorder.RoomEvent{Type: media.EventTrack, At: r.start, Track: &track{room: r, number: i, sent: r.sent[i]}}, nil
}

// reach waits until no other track is more than a second behind the given one.
func (r *room) reach(number, second int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seconds[number] = second
	r.changed.Broadcast()
	if second == math.MaxInt {
		if r.left--; r.left == 0 {
			close(r.closed)
		}
		return
	}
	for slices.Min(r.seconds) < second-1 {
		r.changed.Wait()
	}
}

type track struct {
	room   *room
	number int
	sent   []packet
	second int
}

func (t *track) Info() recorder.TrackInfo { return t.room.infos[t.number] }

func (t *track) RequestKeyFrame() {}

func (t *track) Read() (recorder.Packet, error) {
	if len(t.sent) == 0 {
		t.room.reach(t.number, math.MaxInt)
		return recorder.Packet{}, io.EOF
	}
	p := &t.sent[0]
	t.sent = t.sent[1:]
	out := recorder.Packet{RTP: &p.Packet, Arrival: t.room.start.Add(p.at)}
	if second := int(p.at / time.Second); second > t.second {
		t.second = second
		t.room.reach(t.number, second)
		if second%5 == 0 {
			out.Reports = []recorder.SenderReport{{NTP: out.Arrival.Round(0), RTP: p.Timestamp, Arrival: out.Arrival}}
		}
	}
	return out, nil
}
