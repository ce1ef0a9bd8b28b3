// Package replay plays captured rooms again: what a recorder.Room delivered once,
// events and RTP packets at the pace they came, it delivers as often as one likes.
// That makes a fault that was met in the wild a test, and lets a program that
// records be tried without a server.
//
// A capture is text, one JSON object a line. The first is the header:
//
//	{"capture":1,"room":"weekly","passphrase":"of the test"}
//
// with the end-to-end passphrase if the room had one and is a made-up one. Each
// line after it has "at", the time in nanoseconds after the room was told of the
// recording, and one of these:
//
//	{"at":-7000,"event":{"type":"join","participant":"ada","name":"Ada"}}
//	{"at":52000,"track":{"n":0,"id":"TR_1","participant":"ada","source":"microphone","codec":"opus","clock":48000,"channels":2}}
//	{"at":61000,"packet":{"track":0,"rtp":"gG8AAQ…","reports":[{"ntp":1000,"rtp":960,"at":60000}]}}
//	{"at":900000,"end":0}
//	{"at":950000,"ended":"everyone left"}
//
// An event has the fields of recorder.RoomEvent, a track those of
// recorder.TrackInfo; the n-th track has number n, counted from 0. A packet is
// base64 of RTP as RFC 3550 has it, with the sender reports that came before it,
// whose wall clock counts from the same moment. A track that has no "end" ends
// with the capture. All times are the order of things in one track, and in the
// room; lines of different tracks may be mixed.
//
// What is in a capture is not sealed: names and chat are in the clear, and media
// is as the room sent it. Capture test meetings, not other people's.
package replay

import (
	"errors"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

// Limits of a capture. Whatever is beyond them is an error.
const (
	maxCapture = 64 << 20 // bytes
	maxLine    = 128 << 10
	maxLines   = 1 << 18
	maxTracks  = 256
	maxReports = 64 // with one packet
	maxReason  = 1024
	maxSpan    = 24 * time.Hour // of a capture, and of its times around it
)

// ErrFormat is in the error about a capture that is not one.
var ErrFormat = errors.New("not a capture")

type header struct {
	Capture    int    `json:"capture"`
	Room       string `json:"room"`
	Passphrase string `json:"passphrase,omitempty"`
}

// A line is one of its pointers.
type line struct {
	At     int64       `json:"at"`
	Event  *eventLine  `json:"event,omitempty"`
	Track  *trackLine  `json:"track,omitempty"`
	Packet *packetLine `json:"packet,omitempty"`
	End    *int        `json:"end,omitempty"`
	Ended  *string     `json:"ended,omitempty"`
}

type eventLine struct {
	Type        media.EventType `json:"type"`
	Participant string          `json:"participant,omitempty"`
	Name        string          `json:"name,omitempty"`
	TrackID     string          `json:"track,omitempty"`
	Reason      string          `json:"reason,omitempty"`
	Since       *int64          `json:"since,omitempty"`
	Text        string          `json:"text,omitempty"`
	Speakers    []string        `json:"speakers,omitempty"`
	Count       int             `json:"count,omitempty"`
	Size        int64           `json:"size,omitempty"`
	Machine     bool            `json:"machine,omitempty"`
}

type trackLine struct {
	N             int          `json:"n"`
	ID            string       `json:"id"`
	Participant   string       `json:"participant"`
	Name          string       `json:"name,omitempty"`
	Source        media.Source `json:"source"`
	Codec         media.Codec  `json:"codec"`
	ClockRate     int          `json:"clock"`
	Channels      int          `json:"channels,omitempty"`
	RED           bool         `json:"red,omitempty"`
	Encrypted     bool         `json:"encrypted,omitempty"`
	SenderKind    string       `json:"kind,omitempty"`
	Wanted        *int64       `json:"wanted,omitempty"`
	PacketTrailer bool         `json:"trailer,omitempty"`
	SIFTrailer    []byte       `json:"sif,omitempty"`
}

type packetLine struct {
	Track   int          `json:"track"`
	RTP     []byte       `json:"rtp"`
	Reports []reportLine `json:"reports,omitempty"`
}

type reportLine struct {
	NTP int64  `json:"ntp"`
	RTP uint32 `json:"rtp"`
	At  int64  `json:"at"`
}

// since returns the offset of a time that may be zero.
func since(start, t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	d := int64(t.Sub(start))
	return &d
}

// after is the reverse of since.
func after(start time.Time, d *int64) time.Time {
	if d == nil {
		return time.Time{}
	}
	return start.Add(time.Duration(*d))
}

func (e *eventLine) event(start time.Time, at int64) recorder.RoomEvent {
	return recorder.RoomEvent{At: start.Add(time.Duration(at)), Type: e.Type, Participant: e.Participant, Name: e.Name,
		TrackID: e.TrackID, Reason: e.Reason, Since: after(start, e.Since), Text: e.Text, Speakers: e.Speakers,
		Count: e.Count, Size: e.Size, Machine: e.Machine}
}

func (t *trackLine) info(start time.Time) recorder.TrackInfo {
	return recorder.TrackInfo{ID: t.ID, Participant: t.Participant, Name: t.Name, Source: t.Source, Codec: t.Codec,
		ClockRate: t.ClockRate, Channels: t.Channels, RED: t.RED, Encrypted: t.Encrypted, SenderKind: t.SenderKind, Wanted: after(start, t.Wanted),
		PacketTrailer: t.PacketTrailer, SIFTrailer: t.SIFTrailer}
}
