package fragment

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/sealtape/sealtape/playback/internal/opus"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

var voice = media.Track{UID: 11, Participant: "alice", Source: media.Microphone, Codec: media.Opus, Channels: 1}

// packet20 is a packet that is no silence of ours.
var packet20 = []byte{0x78, 1, 2, 3}

// blocks reads a part back.
func blocks(t testing.TB, p Part) (frames []media.Frame) {
	t.Helper()
	r, err := matroska.NewReader(bytes.NewReader(slices.Concat(p.Init, p.Media)))
	if err != nil {
		t.Fatal(err)
	}
	for {
		b, err := r.Next()
		if errors.Is(err, io.EOF) {
			return frames
		}
		if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, b.Frame)
	}
}

// A player counts samples as browsers do: from the time of the first packet on,
// whatever the others' times.
type player struct {
	begun   bool
	at, end time.Duration // where the next packet plays, and belongs
	real    int
	off     time.Duration   // the most that a real packet was off, either way
	hole    time.Duration   // the longest between two packets
	overlap time.Duration   // the longest: Chromium drops as much
	sent    []time.Duration // where packets belong that end with their number
	late    int             // packets with times before those of others
	last    time.Duration
}

func (p *player) play(t testing.TB, parts ...Part) {
	for _, part := range parts {
		for _, f := range blocks(t, part) {
			if !p.begun {
				p.begun, p.at, p.end, p.last = true, f.Time, f.Time, f.Time
			}
			if f.Time < p.last {
				p.late++
			}
			p.hole = max(p.hole, f.Time-p.end)
			p.overlap = max(p.overlap, p.end-f.Time)
			if number, ok := bytes.CutPrefix(f.Data, packet20); ok {
				p.real++
				belongs := f.Time
				if len(number) == 4 {
					belongs = p.sent[binary.BigEndian.Uint32(number)]
				}
				p.off = max(p.off, (p.at - belongs).Abs())
			}
			p.last = f.Time
			p.at += f.Duration
			p.end = f.Time + f.Duration
		}
	}
}

const segmentLength = 5 * time.Second

// split makes parts of frames, segment by segment, as the server does.
func split(frames []media.Frame) (parts []Part) {
	var segments [][]media.Frame
	for _, f := range frames {
		n := int(f.Time / segmentLength)
		for len(segments) <= n {
			segments = append(segments, nil)
		}
		segments[n] = append(segments[n], f)
	}
	var run opus.Run
	joined := false
	for n, here := range segments {
		if len(here) == 0 {
			joined = false
			continue
		}
		start := time.Duration(n) * segmentLength
		b := Bounds{From: Seam(start, here[0].Time), Lead: n > 0 && len(segments[n-1]) > 0, Run: run, Joined: joined}
		if n+1 < len(segments) && len(segments[n+1]) > 0 {
			b.To = Seam(start+segmentLength, segments[n+1][0].Time)
		}
		p, r, ok := Sound(voice, here, b)
		run, joined = r, ok
		if ok {
			parts = append(parts, p)
		}
	}
	return parts
}

// TestSoundKeepsTime: half an hour of senders whose clocks drift, stutter and
// stop. No packet plays far from its time, nothing waits, and hardly a packet is
// left out.
func TestSoundKeepsTime(t *testing.T) {
	const ms = time.Millisecond
	for name, tt := range map[string]struct {
		ppm     int64
		jitter  time.Duration
		loss    float64
		dtx     bool
		dropped float64 // a part of all, at most
	}{
		"exact":          {0, 0, 0, false, 0},
		"fast 200 ppm":   {-200, 0, 0, false, 0.0005},
		"slow 200 ppm":   {200, 0, 0, false, 0},
		"jitter":         {0, 3 * ms, 0, false, 0},
		"loss":           {50, ms, 0.1, false, 0.001},
		"DTX":            {-50, ms, 0, true, 0.001},
		"DTX and losses": {100, 2 * ms, 0.05, true, 0.001},
	} {
		t.Run(name, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(1, 2))
			var frames []media.Frame
			var times []time.Duration
			for i := range 30 * 60 * 50 {
				sent := time.Duration(i) * 20 * ms
				if rnd.Float64() < tt.loss || tt.dtx && i/300%2 == 1 && i%20 != 0 || i/3000 == 5 {
					continue
				}
				at := sent + sent*time.Duration(tt.ppm)/1e6
				if tt.jitter > 0 {
					at += time.Duration(rnd.Int64N(int64(tt.jitter)))
				}
				frames = append(frames, media.Frame{Track: voice.UID, Time: at, Data: binary.BigEndian.AppendUint32(slices.Clip(packet20), uint32(len(times)))})
				times = append(times, at)
			}
			whole := player{sent: times}
			parts := split(frames)
			before := 0
			for before < len(parts) && parts[before].To < 5*time.Minute+time.Second {
				before++
			}
			// The track is away for a minute: a player seeks over that.
			whole.play(t, parts[:before]...)
			after := player{sent: times}
			after.play(t, parts[before:]...)
			for _, p := range []player{whole, after} {
				if limit := opus.Ahead + 3*ms; p.off > limit {
					t.Errorf("a packet plays %v off, more than %v", p.off, limit)
				}
				// Where a packet was left out its time stays empty.
				if p.hole > 23*ms || p.late > 0 {
					t.Errorf("a hole of %v, %d packets out of order", p.hole, p.late)
				}
				if p.overlap > ms {
					t.Errorf("packets overlap by %v", p.overlap)
				}
			}
			if lost := float64(len(frames) - whole.real - after.real); lost > tt.dropped*float64(len(frames)) {
				t.Errorf("%v of %d packets left out", lost, len(frames))
			}
			// Begun anywhere, as after a seek, it is no worse than by a
			// packet that is left out or a hole filled once.
			for range 20 {
				p := player{sent: times}
				from := rnd.IntN(before - 10)
				p.play(t, parts[from:from+10]...)
				if limit := opus.Ahead + opus.Behind + 3*ms; p.off > limit {
					t.Errorf("from segment %d: %v off", from, p.off)
				}
			}
		})
	}
}

// TestSoundSeams: whatever of a hole lies where, two segments together have no
// hole and no overlap.
func TestSoundSeams(t *testing.T) {
	const ms = time.Millisecond
	for last := 4700 * ms; last < 5*time.Second; last += 7 * ms {
		for first := last + 20*ms; first < 5600*ms; first += 11 * ms {
			if first < 5*time.Second {
				continue
			}
			var frames []media.Frame
			for at := 4 * time.Second; at <= last; at += 20 * ms {
				frames = append(frames, media.Frame{Track: 11, Time: at, Data: packet20})
			}
			for at := first; at < 6*time.Second; at += 20 * ms {
				frames = append(frames, media.Frame{Track: 11, Time: at, Data: packet20})
			}
			parts := split(frames)
			var p player
			p.play(t, parts...)
			if p.off > opus.Behind || p.hole > opus.Behind+3*ms || p.late > 0 || p.real != len(frames) {
				t.Fatalf("last at %v, first at %v: %v off, hole of %v, %d of %d", last, first, p.off, p.hole, p.real, len(frames))
			}
			// The second alone, its neighbour not known: from its own side
			// of the seam on.
			alone, _, ok := Sound(voice, frames[slices.IndexFunc(frames, func(f media.Frame) bool { return f.Time >= 5*time.Second }):],
				Bounds{Lead: true, From: Seam(5*time.Second, first)})
			if want := Seam(5*time.Second, first); !ok || alone.From != want && alone.From-want > 3*ms || want < 5*time.Second || want > first {
				t.Fatalf("first at %v: alone from %v", first, alone.From)
			}
			// Nor do they miss each other then.
			var apart player
			if apart.play(t, parts[0], alone); apart.off > opus.Behind+3*ms || apart.hole > opus.Behind+3*ms || apart.late > 0 {
				t.Fatalf("last at %v, first at %v: apart %v off, hole of %v", last, first, apart.off, apart.hole)
			}
		}
	}
}

// TestSoundEnds: a track is heard no longer than it was there.
func TestSoundEnds(t *testing.T) {
	frames := []media.Frame{{Track: 11, Time: time.Second, Data: packet20}, {Track: 11, Time: 3 * time.Second, Data: packet20}}
	p, run, ok := Sound(voice, frames, Bounds{})
	if !ok || p.From != time.Second || p.To != 3*time.Second+20*time.Millisecond || time.Duration(run) != p.To || p.MIME != `audio/webm; codecs="opus"` {
		t.Errorf("from %v to %v, run %v", p.From, p.To, time.Duration(run))
	}
	if got := blocks(t, p); len(got) != p.Frames || got[0].Time != time.Second {
		t.Errorf("%d blocks, want %d", len(got), p.Frames)
	}
	for name, b := range map[string]Bounds{
		"far lead":  {Lead: true, From: 0},
		"far run":   {Joined: true, Run: 0},
		"wild run":  {Joined: true, Run: opus.Run(1000 * time.Hour)},
		"far end":   {To: 48 * time.Hour},
		"end first": {To: time.Millisecond},
	} {
		frames := slices.Clone(frames)
		for i := range frames {
			frames[i].Time += 24 * time.Hour
		}
		if p, _, ok := Sound(voice, frames, b); !ok || p.From != frames[0].Time || p.To != frames[1].Time+20*time.Millisecond {
			t.Errorf("%s: from %v to %v", name, p.From, p.To)
		}
	}
	// Times that make no sense do not make silence without end.
	for i := range 1000 {
		frames = append(frames, media.Frame{Track: 11, Time: time.Duration(i+1) * 10 * time.Minute, Data: packet20})
	}
	p, run, ok = Sound(voice, frames, Bounds{})
	if got := blocks(t, p); !ok || len(got) > 20000 || got[len(got)-1].Time != 10000*time.Minute || time.Duration(run) != p.To {
		t.Errorf("%d packets until %v, run %v", len(got), p.To, time.Duration(run))
	}
	if _, _, ok := Sound(voice, nil, Bounds{}); ok {
		t.Error("a part of nothing")
	}
	if _, _, ok := Sound(voice, []media.Frame{{Time: 1, Data: nil}, {Time: 2, Data: []byte{0xff, 0xff}}, {Time: -5, Data: packet20}}, Bounds{}); ok {
		t.Error("a part of no Opus")
	}
}

// TestSoundDecodes: FFmpeg decodes real sound with holes, and hears a tone where
// it was sent.
func TestSoundDecodes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in.mkv")
	const start, tone, ms = time.Hour, 8 * time.Second, time.Millisecond
	run(t, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "aevalsrc='0.5*sin(2*PI*1000*t)*between(t,8,8.5)':s=48000:d=10",
		"-ac", "1", "-c:a", "libopus", "-frame_duration", "20", "-b:a", "32k", path)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := matroska.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	var frames []media.Frame
	for i := 0; ; i++ {
		b, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		f := b.Frame
		f.Time = start + time.Duration(i)*20*ms
		if i > 50 && i < 380 || i > 430 && i%7 == 0 { // muted, lost
			continue
		}
		frames = append(frames, f)
	}
	frames = slices.DeleteFunc(frames, func(f media.Frame) bool { return f.Time >= start+10*time.Second })
	parts := split(frames)
	parts = parts[len(parts)-2:]
	file := filepath.Join(t.TempDir(), "out.webm")
	if err := os.WriteFile(file, slices.Concat(parts[0].Init, parts[0].Media, parts[1].Media), 0o600); err != nil {
		t.Fatal(err)
	}
	// Without anything that looks at times: packet after packet.
	pcm := run(t, "ffmpeg", "-v", "error", "-i", file, "-ac", "1", "-f", "f32le", "-")
	at := -1
	for i := 0; i+4 <= len(pcm) && at < 0; i += 4 {
		if math.Abs(float64(math.Float32frombits(binary.LittleEndian.Uint32(pcm[i:])))) > 0.2 {
			at = i / 4 / 48
		}
	}
	if got := time.Duration(at) * ms; (got - tone - 6500*time.Microsecond).Abs() > 15*ms {
		t.Errorf("the tone is heard at %v", got)
	}
	if length := time.Duration(len(pcm)/4/48) * ms; (length - 10*time.Second).Abs() > 40*ms {
		t.Errorf("%v are heard", length)
	}
	packets, decoded := probe(t, parts...)
	if len(packets) != parts[0].Frames+parts[1].Frames || decoded != len(packets) || packets[0].at != start {
		t.Errorf("%d packets from %v on, %d decoded", len(packets), packets[0].at, decoded)
	}
}
