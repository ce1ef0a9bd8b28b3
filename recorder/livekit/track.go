package livekit

import (
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	lkproto "github.com/livekit/protocol/livekit"
	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

// maxReports is the most sender reports stored between two packets. They come
// every few seconds, so more means a flood, and the oldest are dropped.
const maxReports = 16

// A track is a subscribed remote track.
type track struct {
	info   recorder.TrackInfo
	s      *session
	pub    *lksdk.RemoteTrackPublication
	remote *webrtc.TrackRemote
	member *lksdk.RemoteParticipant

	mu      sync.Mutex
	keys    keyAsker
	reports []recorder.SenderReport
	gone    bool // unsubscribed, or the room was left
}

func (s *session) newTrack(remote *webrtc.TrackRemote, pub *lksdk.RemoteTrackPublication, member *lksdk.RemoteParticipant, wanted, offered time.Time) *track {
	codec := remote.Codec()
	t := &track{s: s, pub: pub, remote: remote, member: member, keys: keyAsker{began: time.Now()}, info: recorder.TrackInfo{
		ID:          pub.SID(),
		Participant: member.Identity(),
		Name:        member.Name(),
		Source:      source(pub.Source()),
		Codec:       codecOf(codec.MimeType),
		ClockRate:   int(codec.ClockRate),
		SIFTrailer:  s.room.SifTrailer(),
		Wanted:      wanted,
		Offered:     offered,
	}}
	if t.info.Codec == "red" {
		// The server sends RED to those who offer it. The SDK does not offer it,
		// so the server sends the Opus in it.
		t.info.Codec, t.info.RED = media.Opus, true
	}
	if t.info.Codec.Audio() {
		t.info.Channels = 2 // RFC 7587: Opus always announces two
	}
	t.info.SenderKind = senderKind(lkproto.ParticipantInfo_Kind(member.Kind()))
	if ti := pub.TrackInfo(); ti != nil {
		t.info.Encrypted = ti.Encryption != lkproto.Encryption_NONE
		t.info.PacketTrailer = len(ti.PacketTrailerFeatures) > 0
	}
	pub.OnRTCP(func(p rtcp.Packet) { s.contain(t.info.Participant, func() { t.rtcp(p) }) })
	enlargeBuffers() // among them the track's own socket
	return t
}

// Ended implements recorder.Ender.
func (t *track) Ended() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.gone
}

// Info implements recorder.Track.
func (t *track) Info() recorder.TrackInfo { return t.info }

// PublishedSize implements recorder.Sized.
func (t *track) PublishedSize() (width, height int, less bool) {
	info, mime := t.pub.TrackInfo(), t.pub.MimeType()
	width, height = published(info, mime)
	return width, height, t.s.r.c.Selection.lessThan(info, mime)
}

// Read implements recorder.Track.
func (t *track) Read() (recorder.Packet, error) {
	p, _, err := t.remote.ReadRTP()
	if err != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.gone && errors.Is(err, os.ErrDeadlineExceeded) {
			return recorder.Packet{}, io.EOF
		}
		return recorder.Packet{}, err
	}
	out := recorder.Packet{RTP: p, Arrival: time.Now()}
	var ask bool
	if out.Reports, ask = t.note(p, out.Arrival); ask {
		t.member.WritePLI(t.remote.SSRC())
	}
	return out, nil
}

// note notes a packet. It returns the reports that came before it, and whether to
// ask for a key frame. It frees the lock even if the packet causes a panic.
func (t *track) note(p *rtp.Packet, at time.Time) (reports []recorder.SenderReport, ask bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	reports, t.reports = t.reports, nil
	return reports, t.info.Codec == media.VP8 && t.keys.packet(p.SequenceNumber, vp8Key(p.Payload), at)
}

// RequestKeyFrame implements recorder.Track.
func (t *track) RequestKeyFrame() {
	if t.wantsKeyFrame(time.Now()) {
		t.member.WritePLI(t.remote.SSRC())
	}
}

// wantsKeyFrame reports whether to ask for a key frame, now that the recorder wants one.
func (t *track) wantsKeyFrame(now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.keys.want(now)
}

// end makes Read return io.EOF after the packets that have been received, even if
// pion would keep a silent receiver open.
func (t *track) end() {
	t.mu.Lock()
	t.gone = true
	t.mu.Unlock()
	// A deadline in the past would lose packets already received.
	_ = t.remote.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
}

func (t *track) rtcp(p rtcp.Packet) {
	sr, ok := p.(*rtcp.SenderReport)
	if !ok || sr.NTPTime == 0 {
		return
	}
	r := recorder.SenderReport{NTP: ntp(sr.NTPTime), RTP: sr.RTPTime, Arrival: time.Now()}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.reports) == maxReports {
		t.reports = append(t.reports[:0], t.reports[1:]...)
	}
	t.reports = append(t.reports, r)
}

// ntp converts a 64-bit NTP time stamp (RFC 5905, section 6; era 0, which
// ends in 2036, or era 1 after it).
func ntp(n uint64) time.Time {
	const unixEpoch = 2208988800 // seconds from 1900 to 1970
	sec, frac := int64(n>>32), int64(n&0xffffffff)
	if sec < unixEpoch {
		sec += 1 << 32
	}
	return time.Unix(sec-unixEpoch, frac*int64(time.Second)>>32)
}

// senderKind returns the kind of a member that is no person's client.
func senderKind(k lkproto.ParticipantInfo_Kind) string {
	switch k {
	case lkproto.ParticipantInfo_STANDARD:
		return ""
	case lkproto.ParticipantInfo_SIP:
		return recorder.SenderSIP
	case lkproto.ParticipantInfo_INGRESS:
		return recorder.SenderIngress
	case lkproto.ParticipantInfo_AGENT:
		return recorder.SenderAgent
	}
	return recorder.SenderOther
}

func source(s lkproto.TrackSource) media.Source {
	switch s {
	case lkproto.TrackSource_MICROPHONE:
		return media.Microphone
	case lkproto.TrackSource_CAMERA:
		return media.Camera
	case lkproto.TrackSource_SCREEN_SHARE:
		return media.Screen
	case lkproto.TrackSource_SCREEN_SHARE_AUDIO:
		return media.ScreenAudio
	}
	return media.Unknown
}

func codecOf(mime string) media.Codec {
	_, name, _ := strings.Cut(strings.ToLower(mime), "/")
	return media.Codec(name)
}
