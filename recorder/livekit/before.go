package livekit

import (
	"time"

	lkproto "github.com/livekit/protocol/livekit"

	"github.com/sealtape/sealtape/recorder/media"
)

// followsAttribute is where whoever has the rights of the server's API shows a recorder
// which recording of the meeting lost its recorder before. It is set for a member, so that
// no other member can.
const followsAttribute = "sealtape.follows"

// ghostTime is how long after the join a recorder that leaves without a word counts as one
// that died before: a server lists those for some 20 s more.
const ghostTime = 45 * time.Second

// maxRecording bounds what a member shows as the ID of a recording, in bytes.
const maxRecording = 64

// recordingOf returns the ID of the recording that a member shows to make, "" if none. A
// member whom no token makes a recorder or an agent makes none.
func recordingOf(p *lkproto.ParticipantInfo) string {
	if !machine(p) {
		return ""
	}
	return media.Clamp(p.GetAttributes()[recordingAttribute], maxRecording)
}

// shownBefore reports what the server shows beside the recorder.
func (s *session) shownBefore(self *lkproto.ParticipantInfo) {
	if id := self.GetAttributes()[followsAttribute]; id != "" && s.r.c.OnBefore != nil {
		s.r.c.OnBefore(media.Clamp(id, maxRecording))
	}
}

// ghostLeft reports a recorder that was in the room, and left without saying that its
// recording ended.
func (s *session) ghostLeft(was found, last *lkproto.ParticipantInfo) {
	if was.recording == "" || s.r.c.OnBefore == nil || !s.alive() || time.Since(s.joined) > ghostTime {
		return
	}
	state := was.Recorder
	if now := last.GetAttributes()[stateAttribute]; now != "" {
		state = now
	}
	if state == "recording" || state == "paused" {
		s.r.c.OnBefore(was.recording)
	}
}
