package transcript

import (
	"encoding/json"
	"errors"
	"io"
	"math"
	"time"
)

// A whisperJSON is what whisper.cpp writes with -oj. Segments are what the whisper of
// OpenAI writes in their place.
type whisperJSON struct {
	Result struct {
		Language string `json:"language"`
	} `json:"result"`
	Transcription []whisperSegment `json:"transcription"`

	Language string `json:"language,omitempty"`
	Segments []struct {
		Start float64 `json:"start"`
		End   float64 `json:"end"`
		Text  string  `json:"text"`
	} `json:"segments,omitempty"`
}

type whisperSegment struct {
	Timestamps whisperSpan[string]  `json:"timestamps"`
	Offsets    whisperSpan[float64] `json:"offsets"` // in ms
	Text       string               `json:"text"`
	Speaker    string               `json:"speaker,omitempty"`
}

type whisperSpan[T any] struct {
	From T `json:"from"`
	To   T `json:"to"`
}

func parseJSON(b []byte) (t Transcript, err error) {
	var j whisperJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return t, errors.New("its JSON is not whisper.cpp's") // not the parser's words: they quote it
	}
	if j.Transcription == nil && j.Segments == nil {
		return t, errors.New("its JSON has no transcription")
	}
	if t.Language = language(j.Result.Language); t.Language == "" {
		t.Language = language(j.Language)
	}
	for _, s := range j.Transcription {
		if err := t.add(Cue{ofSeconds(s.Offsets.From / 1000), ofSeconds(s.Offsets.To / 1000), s.Speaker, s.Text}); err != nil {
			return t, err
		}
	}
	for _, s := range j.Segments {
		if err := t.add(Cue{From: ofSeconds(s.Start), To: ofSeconds(s.End), Text: s.Text}); err != nil {
			return t, err
		}
	}
	return t, nil
}

// ofSeconds returns seconds as a duration, rounded to the millisecond.
func ofSeconds(s float64) time.Duration {
	return time.Duration(math.Round(min(max(s, 0), maxTime.Seconds())*1000)) * time.Millisecond
}

func (t Transcript) writeJSON(w io.Writer) error {
	var j whisperJSON
	j.Result.Language = language(t.Language)
	j.Transcription = []whisperSegment{}
	for _, c := range t.Cues {
		ms := func(d time.Duration) float64 { return float64(max(0, d.Milliseconds())) }
		j.Transcription = append(j.Transcription, whisperSegment{whisperSpan[string]{clock(c.From, ","), clock(c.To, ",")},
			whisperSpan[float64]{ms(c.From), ms(c.To)}, " " + plain(c.Text), c.Who})
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "\t")
	e.SetEscapeHTML(false)
	return e.Encode(j)
}
