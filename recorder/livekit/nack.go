package livekit

import (
	"strings"

	"github.com/pion/interceptor"
)

// audioNACK makes the SDK's NACK generator ask for lost audio too. The server
// stores audio packets and resends them on request. But pion's default Opus does
// not offer the feedback, and the generator follows the offer. This interceptor
// comes before it and adds the feedback.
type audioNACK struct{ interceptor.NoOp }

// NewInterceptor implements interceptor.Factory.
func (audioNACK) NewInterceptor(string) (interceptor.Interceptor, error) {
	return &audioNACK{}, nil
}

// BindRemoteStream implements interceptor.Interceptor.
func (*audioNACK) BindRemoteStream(info *interceptor.StreamInfo, r interceptor.RTPReader) interceptor.RTPReader {
	if strings.HasPrefix(strings.ToLower(info.MimeType), "audio/") {
		info.RTCPFeedback = append(info.RTCPFeedback, interceptor.RTCPFeedback{Type: "nack"})
	}
	return r
}
