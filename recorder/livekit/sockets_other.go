//go:build !linux

package livekit

func enlargeBuffers() {}
