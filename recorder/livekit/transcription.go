package livekit

import (
	"math"
	"sync"
	"time"

	lkproto "github.com/livekit/protocol/livekit"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

// transcriptionTopic is where agents publish what is said in the room: a text
// stream for each version of a segment. Later streams of the same segment replace
// earlier ones. The attributes are in the header, and again in the trailer.
const transcriptionTopic = "lk.transcription"

const (
	attrTrack   = "lk.transcribed_track_id"
	attrSegment = "lk.segment_id"
	attrFinal   = "lk.transcription_final"

	maxAttribute = 256  // bytes; longer ones count as missing
	maxOwners    = 4096 // tracks whose owner is remembered
	maxTwins     = 1024 // senders and speakers that are remembered
	// twinTime is how long after a segment the same one may come in the other form.
	twinTime = 10 * time.Second
)

// A spoken is what the attributes of a transcription say.
type spoken struct {
	track, segment string
	interim        bool
}

// read takes over the attributes that are there.
func (p *spoken) read(attributes map[string]string) {
	for name, to := range map[string]*string{attrTrack: &p.track, attrSegment: &p.segment} {
		if v := attributes[name]; v != "" && len(v) <= maxAttribute {
			*to = v
		}
	}
	if v, ok := attributes[attrFinal]; ok {
		p.interim = v == "false"
	}
}

// transcribers remember whose tracks are transcribed and in which form. They are
// safe for concurrent use. The zero value is empty.
type transcribers struct {
	mu     sync.Mutex
	owners map[string]string // participants, by the ID of their track
	twins  map[twinKey]*twin
}

// A twinKey is who transcribes whom.
type twinKey struct{ from, speaker string }

// A twin is what came of them lately. Agents send each segment in both forms, with
// different IDs.
type twin struct {
	streams bool   // they send text streams
	text    string // of the last final version
	older   bool   // it came in the older form
	at      time.Time
}

// owner returns whose track has an ID. A track that is gone is still remembered.
func (s *session) owner(track string) string {
	x := &s.transcribers
	x.mu.Lock()
	known, ok := x.owners[track]
	x.mu.Unlock()
	if ok {
		return known
	}
	// The SDK has locks of its own: never call it with ours held.
	for _, p := range s.room.GetRemoteParticipants() {
		for _, pub := range p.TrackPublications() {
			if pub.SID() == track {
				s.owns(track, p.Identity())
				return p.Identity()
			}
		}
	}
	return ""
}

// owns notes whose track has an ID.
func (s *session) owns(track, participant string) {
	x := &s.transcribers
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.owners == nil || len(x.owners) >= maxOwners {
		x.owners = make(map[string]string)
	}
	x.owners[track] = participant
}

// sender returns who sent a packet. The server lets agents send text in the name
// of others, but only the first packet of a stream then has the other's identity.
func (s *session) sender(p *lkproto.DataPacket) string {
	if p.ParticipantSid != "" {
		if from := s.room.GetParticipantBySID(p.ParticipantSid); from != nil {
			return from.Identity()
		}
	}
	return p.ParticipantIdentity
}

// transcription reports an ended stream with a version of what somebody said.
func (s *session) transcription(st *stream) {
	text, all := st.content()
	if len(text) == 0 && !st.whole {
		s.r.events.miss(st.from, media.EventTranscription)
		return
	}
	e := recorder.RoomEvent{Since: st.begun, TrackID: st.spoken.track, Segment: st.spoken.segment, Interim: st.spoken.interim || !st.whole,
		Text: media.Clamp(string(wholeRunes(text)), media.MaxSaid), Encrypted: st.sealed}
	if e.Segment == "" {
		e.Segment = st.id
	}
	if st.whole && (!all || len(text) > media.MaxSaid) {
		e.Size = int64(min(max(st.size(), uint64(len(text))), math.MaxInt64))
	}
	speaker := st.as
	if e.TrackID != "" {
		// Of a track that nobody here knows, only an agent's word says whose it is.
		if speaker = s.owner(e.TrackID); speaker == "" {
			e.TrackID = ""
			if st.as != st.from {
				speaker = st.as
			}
		}
	}
	s.spoke(st.from, speaker, false, e)
}

// transcribed reports a message with what somebody said in the older form. Its
// times are by no clock that is known.
func (s *session) transcribed(from string, sealed bool, m *lkproto.Transcription) {
	speaker, track := "", m.GetTrackId()
	if len(track) <= maxAttribute {
		speaker = s.owner(track)
	}
	if speaker == "" {
		track = ""
		if who := s.room.GetParticipantByIdentity(m.GetTranscribedParticipantIdentity()); who != nil {
			speaker = who.Identity()
		}
	}
	for _, seg := range m.GetSegments() {
		if seg.GetId() == "" || len(seg.GetId()) > maxAttribute {
			continue
		}
		e := recorder.RoomEvent{Since: time.Now(), TrackID: track, Segment: seg.GetId(), Interim: !seg.GetFinal(),
			Text: media.Clamp(seg.GetText(), media.MaxSaid), Encrypted: sealed}
		if len(seg.GetText()) > media.MaxSaid {
			e.Size = int64(len(seg.GetText()))
		}
		s.spoke(from, speaker, true, e)
	}
}

// spoke reports a version of what a speaker said, "" for nobody who is known. older is its
// form. What came in the other form already is taken back.
func (s *session) spoke(from, speaker string, older bool, e recorder.RoomEvent) {
	e.Type, e.Participant = media.EventTranscription, speaker
	if from != speaker {
		e.By = from
	}
	switch s.transcribers.again(twinKey{from, speaker}, older, e, time.Now()) {
	case ignored:
	case repeated:
		e.Text, e.Interim = "", false
		fallthrough
	case first:
		s.tell(e)
	}
}

// What a version is: new, one of a final segment that came in the other form, or
// one of a form that is not needed.
type repetition int

const (
	first repetition = iota
	repeated
	ignored
)

// again returns what a version is, and remembers it.
func (x *transcribers) again(key twinKey, older bool, e recorder.RoomEvent, now time.Time) repetition {
	x.mu.Lock()
	defer x.mu.Unlock()
	t := x.twins[key]
	if t == nil {
		if x.twins == nil || len(x.twins) >= maxTwins {
			x.twins = make(map[twinKey]*twin)
		}
		t = new(twin)
		x.twins[key] = t
	}
	if older && t.streams {
		if e.Interim {
			return ignored
		}
		return repeated // it may have begun before the first stream came
	}
	t.streams = t.streams || !older
	if e.Interim || e.Text == "" {
		return first
	}
	same := t.text == e.Text && t.older != older && now.Sub(t.at) < twinTime
	t.text, t.older, t.at = e.Text, older, now
	if same {
		return repeated
	}
	return first
}
