package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/playback"
)

func TestChosenParticipants(t *testing.T) {
	present := []playback.Participant{
		{Identity: "ada-1", Name: "Ada"}, {Identity: "ada-2", Name: "Ada"}, {Identity: "bob", Name: "Bob"},
		{Identity: "BOB", Name: "Robert"}, {Identity: "carol", Name: "ada-1"}, {Identity: "dora"}, {Identity: "e", Name: "DORA"},
	}
	for _, test := range []struct {
		names, want []string
		err, hint   string
	}{
		{},
		{names: []string{"bob"}, want: []string{"bob"}},
		{names: []string{"BOB", "Bob"}, want: []string{"BOB", "bob"}},
		{names: []string{"ada-1", "robert", "Robert"}, want: []string{"ada-1", "BOB"}},
		{names: []string{"Ada"}, err: `2 participants are called "Ada"`, hint: "choose by identity: Ada (ada-1), Ada (ada-2)"},
		{names: []string{"bob", "ADA"}, err: `2 participants are called "ADA"`, hint: "choose by identity: Ada (ada-1), Ada (ada-2)"},
		{names: []string{"Dora"}, err: `2 participants are called "Dora"`, hint: "choose by identity: dora, DORA (e)"},
		{names: []string{"Bobby"}, err: `nobody called "Bobby" was recorded`, hint: "there were: Ada (ada-1), Ada (ada-2), Bob (bob), Robert (BOB), ada-1 (carol), dora, DORA (e)"},
		{names: []string{""}, err: `nobody called "" was recorded`},
		{names: []string{"👩\u200d🚀"}, err: "nobody called \"👩\u200d🚀\" was recorded"},
	} {
		got, err := chosenParticipants(present, test.names)
		if test.err == "" {
			if err != nil || !slices.Equal(got, test.want) {
				t.Errorf("%q: %q, %v, want %q", test.names, got, err, test.want)
			}
			continue
		}
		if err == nil || err.Error() != test.err {
			t.Errorf("%q: %q, %v, want %s", test.names, got, err, test.err)
			continue
		}
		if _, hints := explained(err); test.hint != "" && !slices.Equal(hints, []string{test.hint}) {
			t.Errorf("%q: %q, want %q", test.names, hints, test.hint)
		}
	}
	_, err := chosenParticipants(slices.Repeat(present, 10), []string{"x"})
	if _, hints := explained(err); len(hints) != 1 || !strings.HasSuffix(hints[0], "and 50 more") {
		t.Errorf("%q", hints)
	}
}

func TestSpeed(t *testing.T) {
	for _, test := range []struct {
		done, took time.Duration
		want       string
	}{
		{time.Minute, time.Second / 2, ""}, {0, time.Minute, ""},
		{time.Hour, 30 * time.Second, " at 120× real time"}, {time.Minute, 2 * time.Minute, " at 0.5× real time"},
	} {
		if got := speed(test.done, test.took); got != test.want {
			t.Errorf("%v in %v: %q", test.done, test.took, got)
		}
	}
}
