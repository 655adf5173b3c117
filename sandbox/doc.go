// Package sandbox is a stand-in world for demonstrations and tests: a shop
// system that merchants let us into, and a TrustFile that takes what we send.
// Both speak real HTTP on addresses of their own, check what a real one would
// check, and can be told to misbehave.
//
// Everything is in memory: a restart is a new world.
//
//	shop*.go        the host: merchants, OAuth, orders and refunds
//	trustfile*.go   the target: items with their history, provisioning
//	faults.go       how either of them is told to misbehave
//	sandbox.go      starts and stops both
package sandbox
