package livekit

import (
	"errors"
	"testing"

	lksdk "github.com/livekit/server-sdk-go/v2"
)

// The SDK's inside has to be what the recorder takes it for, or nothing is joined.
func TestTakeOver(t *testing.T) {
	s := alone(Config{})
	d, err := s.takeOver()
	if err != nil {
		t.Fatalf("%v: look what has changed", err)
	}
	if d.engine != engineOf(s.room) || *d.subs[0] != nil {
		t.Error("another engine's desk")
	}
	if err := d.hear(); !errors.Is(err, errSDK) {
		t.Errorf("hear before there are connections: %v", err)
	}
	if partOf[lksdk.Room](d.engine, "dclock") != nil || partOf[lksdk.Room](d.engine, "none") != nil {
		t.Error("a part of another type, or none, was found")
	}
}

// A fault in what the SDK makes of one member does not keep it from the others.
func TestDeskContains(t *testing.T) {
	s := alone(Config{})
	d, err := s.takeOver()
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	if d.contain("a member", func() { told++; panic("a fault") }) || !d.contain("another", func() { told++ }) || told != 2 {
		t.Error("a fault was not contained")
	}
}
