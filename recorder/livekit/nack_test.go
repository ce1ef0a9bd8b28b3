package livekit

import (
	"testing"

	"github.com/pion/interceptor"
)

// The SDK's NACK generator looks for {"nack", ""} in what a stream offers.
func TestAudioOffersNACK(t *testing.T) {
	i, err := audioNACK{}.NewInterceptor("")
	if err != nil {
		t.Fatal(err)
	}
	for mime, want := range map[string]int{"audio/opus": 1, "audio/OPUS": 1, "video/VP8": 0} {
		info := &interceptor.StreamInfo{MimeType: mime}
		i.BindRemoteStream(info, nil)
		got := 0
		for _, f := range info.RTCPFeedback {
			if f.Type == "nack" && f.Parameter == "" {
				got++
			}
		}
		if got != want {
			t.Errorf("%s: %d NACK feedbacks, want %d", mime, got, want)
		}
	}
}
