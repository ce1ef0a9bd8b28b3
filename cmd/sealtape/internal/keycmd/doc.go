// Package keycmd is sealtape keys: a person's identity and card, and the cards of those
// they trust. Each of its commands is options and a function; what they do is in package
// keys of the module.
package keycmd
