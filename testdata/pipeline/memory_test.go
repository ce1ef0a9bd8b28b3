//go:build linux || darwin

package pipeline_test

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"filippo.io/age"
	"github.com/pion/rtp"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/bot"
	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/roomtest"
	"github.com/sealtape/sealtape/testdata/sample"
)

const (
	allHours     = 8 // of which a sample has fewer
	someHours    = 3
	voices       = 6
	cameras      = 2
	mostMemory   = 64<<20 + (voices+cameras+1)*(2<<20) // the guest's track counted
	mostGrowth   = 240 * (2 << 10)                     // from the first hour to the last: 240 guests are remembered
	guestEvery   = 2 * time.Minute
	guestStays   = 20 * time.Second
	rotateEvery  = 10 * time.Minute
	measureEvery = 15 * time.Minute

	// So many frames of a track are sent in each of the first seconds, until what
	// remembers some thousand of them is full.
	manyFrames  = 50
	manySeconds = 170
)

// Eight simulated hours of a meeting, in which there is but one frame of each
// track a second after the first minutes. What else happens is that of a real
// one: segments are sealed, packets are lost, keys change, guests come and go,
// people speak, write and mute. What the recorder and the archive keep in memory
// does not grow. The first three hours are a sample.
func TestEightHours(t *testing.T) {
	if testing.Short() {
		t.Skip("three hours take ten seconds")
	}
	hours := someHours
	if sample.All() {
		hours = allHours
	}
	folder := memory(t)
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		m := newMeeting(t, folder, id.Recipient(), time.Duration(hours)*time.Hour)
		var first, last, most, inUse uint64
		for s := range hours * 3600 {
			m.second(t, s)
			if at := time.Duration(s+1) * time.Second; at%measureEvery == 0 {
				live, used := heap()
				most, inUse = max(most, live), max(inUse, used)
				if at <= time.Hour {
					first = max(first, live)
				}
				if at > time.Duration(hours-1)*time.Hour {
					last = max(last, live)
				}
			}
		}
		m.end(t)
		kib := func(n uint64) float64 { return float64(n) / (1 << 10) }
		t.Logf("%d hours of %d tracks: live heap at most %.0f KiB (%.0f KiB in the first hour, %.0f KiB in the last), in use %.0f KiB",
			hours, voices+cameras, kib(most), kib(first), kib(last), kib(inUse))
		if most > mostMemory {
			t.Errorf("the heap holds up to %.0f KiB, more than %.0f KiB", kib(most), kib(mostMemory))
		}
		if last > first+mostGrowth {
			t.Errorf("the heap grew by %.0f KiB from the first hour to the last, more than %.0f KiB", kib(last-first), kib(mostGrowth))
		}
	})
}

// BenchmarkEightHours has TestEightHours say how much memory it took. It runs once,
// however large b.N is, and elsewhere: simulated time is for tests.
func BenchmarkEightHours(b *testing.B) {
	if b.N > 1 {
		return
	}
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.CommandContext(b.Context(), self, "-test.run", "^TestEightHours$", "-test.v")
	cmd.Env = append(os.Environ(), "SEALTAPE_TEST_ALL=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	said := regexp.MustCompile(`hours of .*: live heap at most (\d+) KiB.*`).FindSubmatch(out)
	if said == nil {
		b.Fatalf("no figure in\n%s", out)
	}
	kib, err := strconv.Atoi(string(said[1]))
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("%d %s", allHours, said[0])
	b.ReportMetric(float64(kib)/1024, "ours:MiB")
	b.ReportMetric(mostMemory>>20, "max:MiB")
}

// heap returns how many bytes are reachable, and how many were in use before
// the others were collected.
func heap() (live, used uint64) {
	synctest.Wait()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	used = m.HeapInuse
	runtime.GC()
	runtime.GC() // what pools hold goes with the second
	runtime.ReadMemStats(&m)
	return m.HeapAlloc, used
}

// A meeting is a room that is recorded.
type meeting struct {
	room  *roomtest.Room
	keys  *frame.Keyring
	index int // of the key that is used
	all   []*sender
	guest *sender
	done  chan error
	w     *archive.Writer
}

// A sender publishes one track.
type sender struct {
	info  recorder.TrackInfo
	track *roomtest.Track
	seal  *frame.Encrypter
	seq   uint16
	ssrc  uint32
	plain []byte
}

func newMeeting(t *testing.T, folder string, reader age.Recipient, length time.Duration) *meeting {
	w := newWriter(t, folder, reader)
	m := &meeting{room: roomtest.New("weekly"), keys: frame.NewKeyring(0, frame.KeyOptions{}), done: make(chan error, 1), w: w}
	m.rotate(t, 0)
	r := recorder.New(recorder.Config{Recording: w.ID(), Sink: bot.Sink(w), Keys: recorder.SharedKeys(m.keys),
		Notices: recorder.Notices{Start: "recording"}, Segment: 30 * time.Second})
	go func() {
		report, err := r.Record(t.Context(), m.room)
		if err == nil && report.Duration < length {
			err = fmt.Errorf("recorded %v only", report.Duration)
		}
		m.done <- err
	}()
	synctest.Wait()
	for i := range voices + cameras {
		m.all = append(m.all, m.join(fmt.Sprint("member-", i), i >= voices))
	}
	return m
}

func (m *meeting) rotate(t *testing.T, n int) {
	m.index = n % 16
	if err := m.keys.SetRaw(m.index, fmt.Append(nil, "key ", n), frame.HKDF); err != nil {
		t.Fatal(err)
	}
	for _, s := range m.all {
		s.seal.UseIndex(m.index)
	}
}

// join lets a member come in and publish.
func (m *meeting) join(identity string, camera bool) *sender {
	s := &sender{ssrc: uint32(time.Now().Unix()) + uint32(len(m.all)), plain: make([]byte, 100), info: recorder.TrackInfo{
		ID: "TR_" + identity, Participant: identity, Name: "the one who calls themselves " + identity,
		Source: media.Microphone, Codec: media.Opus, ClockRate: 48000, Channels: 2, Encrypted: true}}
	if camera {
		s.info.Source, s.info.Codec, s.info.ClockRate, s.info.Channels = media.Camera, media.VP8, 90000, 0
		s.plain = make([]byte, 400)
	}
	s.seal = frame.NewEncrypter(s.info.Codec, m.keys, m.index, s.ssrc)
	m.room.Join(identity, s.info.Name)
	s.track = m.room.Publish(s.info)
	return s
}

// second lets a second pass, and then all that was sent in it arrive.
func (m *meeting) second(t *testing.T, s int) {
	start := time.Now()
	time.Sleep(time.Second)
	at := time.Duration(s) * time.Second
	if at%rotateEvery == 0 && s > 0 {
		m.rotate(t, s)
	}
	switch at % guestEvery {
	case 0:
		m.guest = m.join(fmt.Sprint("guest-", s), false)
	case guestStays:
		m.guest.track.End()
		m.room.Leave(m.guest.info.Participant)
		m.guest = nil
	}
	all := m.all
	if m.guest != nil {
		all = append(all[:len(all):len(all)], m.guest)
	}
	for i, sender := range all {
		muted := (s+i*60)%1800 < 60
		if (s+i*60)%1800 == 0 || (s+i*60)%1800 == 60 {
			e := recorder.RoomEvent{Type: media.EventUnmute, Participant: sender.info.Participant, TrackID: sender.info.ID}
			if muted {
				e.Type = media.EventMute
			}
			m.room.Emit(e)
		}
		if !muted {
			sender.send(t, start, s, i)
		}
	}
	m.room.Speak(all[s/7%len(all)].info.Participant, all[s/11%len(all)].info.Participant)
	if s%30 == 0 {
		m.room.Say(all[s%len(all)].info.Participant, fmt.Sprint("what I wanted to say in second ", s))
		m.room.Emit(recorder.RoomEvent{Type: media.EventQuality, Participant: all[0].info.Participant,
			Reason: []string{media.QualityPoor, media.QualityGood}[s/30%2]})
	}
}

// send delivers what was sent in the second that began at start.
func (s *sender) send(t *testing.T, start time.Time, second, i int) {
	if second < manySeconds {
		for n := range manyFrames {
			s.frame(t, start.Add(time.Duration(n)*time.Second/manyFrames), second*s.info.ClockRate+n*s.info.ClockRate/manyFrames, second, false)
		}
		return
	}
	s.frame(t, start, second*s.info.ClockRate, second, second%60 == i)
}

// frame sends a frame at a time.
func (s *sender) frame(t *testing.T, at time.Time, ticks, second int, lost bool) {
	ts := uint32(ticks)
	s.plain[0] = 0xfc
	if !s.info.Codec.Audio() {
		if s.plain[0] = 0x11; second%10 < 2 {
			copy(s.plain, []byte{0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x00, 0x05, 0xd0, 0x02})
		}
	}
	sealed, err := s.seal.Encrypt(nil, s.plain, ts)
	if err != nil {
		t.Fatal(err)
	}
	p := &rtp.Packet{Header: rtp.Header{Version: 2, SSRC: s.ssrc, SequenceNumber: s.seq, Timestamp: ts, Marker: true}, Payload: sealed}
	if !s.info.Codec.Audio() {
		p.Payload = append([]byte{0x10}, sealed...)
	}
	s.seq++
	if lost {
		return
	}
	var reports []recorder.SenderReport
	if ticks == second*s.info.ClockRate && second%5 == 0 {
		reports = []recorder.SenderReport{{NTP: at.Round(0), RTP: ts, Arrival: at}}
	}
	s.track.SendAt(at, p, reports...)
}

func (m *meeting) end(t *testing.T) {
	m.room.End("over")
	if err := <-m.done; err != nil {
		t.Error(err)
	}
	if err := m.w.Close(); err != nil {
		t.Error(err)
	}
}
