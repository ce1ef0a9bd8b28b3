// Package doctor is sealtape doctor: it goes through keys, machine, stores and
// recordings before they matter, and says what to do. What needs no home is in package
// checkup.
package doctor
