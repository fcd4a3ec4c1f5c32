// SPDX-License-Identifier: Apache-2.0

// Go's unique.Make as a peer: one process, one cell, one line of JSON, as bench/core/run_cell.h.
//
// Law: the keys and their order are those of bench/core/sequence.h, to the bit; keys are strings whose bytes lie one
// after another in the order of use. unique supports no other hash than its own. A value is removed at a
// collection after its last handle has gone. So, where other peers evict, this one leaves the work to the collector, whose
// time is reported separately ("background_ns": the process's CPU time outside of the threads that do the work).
package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"runtime/metrics"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unique"
	"unsafe"
)

// The workload: see bench/core/sequence.h.

func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb
	return x ^ (x >> 31)
}

func keyWord(key, word uint64) uint64 { return mix(256*key+word) & 0x7f7f7f7f7f7f7f7f }
func draw(thread, k uint64) uint64    { return mix(1<<63 + thread<<40 + k) }
func coin(thread, k uint64) uint64    { return mix(1<<62 + thread<<40 + k) }

type cell struct {
	workload                    string
	keyBytes, distinct, threads uint64
}

func zipf(ranks uint64) func(random uint64) uint64 {
	cumulated := make([]float64, ranks)
	sum := 0.0
	for i := range cumulated {
		sum += 1.0 / float64(i+1)
		cumulated[i] = sum
	}
	return func(random uint64) uint64 {
		u := float64(random>>11) * 0x1p-53 * sum
		found := sort.Search(len(cumulated), func(i int) bool { return cumulated[i] > u })
		return uint64(min(found, len(cumulated)-1))
	}
}

func order(c cell, thread uint64) []uint32 {
	own := max(c.distinct/c.threads, 1)
	number := func(i uint64) uint32 {
		if c.distinct < c.threads {
			return 0
		}
		return uint32(thread*own + i)
	}
	samples := min(max(c.distinct, 256<<10/c.keyBytes), 256<<20/c.keyBytes)
	if c.workload == "insert" {
		samples = own
	}
	result := make([]uint32, samples)
	switch c.workload {
	case "hit":
		for k := range result {
			result[k] = number(draw(thread, uint64(k)) % own)
		}
	case "insert", "churn":
		for k := range result {
			result[k] = number(uint64(k) % own)
		}
	case "mix99", "mix90":
		percent := uint64(1)
		if c.workload == "mix90" {
			percent = 10
		}
		hot := zipf(c.distinct)
		fresh := uint64(0)
		for k := range result {
			if coin(thread, uint64(k))%100 < percent {
				result[k] = uint32(c.distinct + fresh*c.threads + thread)
				fresh++
			} else {
				result[k] = uint32(hot(draw(thread, uint64(k))))
			}
		}
	default:
		fail("no such workload here: " + c.workload)
	}
	return result
}

func fingerprint(numbers []uint32) uint64 {
	h := uint64(0)
	for _, n := range numbers {
		h = mix(h ^ keyWord(uint64(n), 1))
	}
	return h
}

// Keys as strings into one block of memory.
func stream(numbers []uint32, keyBytes uint64) []string {
	block := make([]byte, uint64(len(numbers))*keyBytes)
	keys := make([]string, len(numbers))
	for k, n := range numbers {
		key := block[uint64(k)*keyBytes:][:keyBytes]
		for j := uint64(0); j < keyBytes/8; j++ {
			binary.LittleEndian.PutUint64(key[8*j:], keyWord(uint64(n), j))
		}
		keys[k] = unsafe.String(&key[0], len(key))
	}
	return keys
}

// The clock.

func cpu(who int) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(who, &u); err != nil {
		fail(err.Error())
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

func processCPU() float64 { return cpu(syscall.RUSAGE_SELF) }
func threadCPU() float64  { return cpu(1) } // RUSAGE_THREAD

var began = time.Now()

func wall() float64 { return time.Since(began).Seconds() }

// The collector's CPU time according to the runtime.
func collectorCPU() float64 {
	sample := []metrics.Sample{{Name: "/cpu/classes/gc/total:cpu-seconds"}}
	metrics.Read(sample)
	return sample[0].Value.Float64()
}

func heapInUse() uint64 {
	for range 3 { // weak entries need more than one
		runtime.GC()
	}
	time.Sleep(20 * time.Millisecond) // unique sweeps its table in the background
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

type outcome struct {
	Rates         []float64 `json:"rates"`
	Operations    uint64    `json:"operations"`
	BackgroundNs  float64   `json:"background_ns"`
	CollectorNs   float64   `json:"collector_ns"`
	CollectionMs  float64   `json:"collection_ms,omitempty"`
	BytesPerEntry *float64  `json:"bytes_per_entry,omitempty"`
	Fingerprint   uint64    `json:"fingerprint"`
}

// Calls body(t) on `threads` threads at once.
func onThreads(threads uint64, body func(t uint64)) {
	var waiting atomic.Int64
	waiting.Store(int64(threads))
	var all sync.WaitGroup
	for t := range threads {
		all.Go(func() {
			runtime.LockOSThread()
			waiting.Add(-1)
			for waiting.Load() != 0 {
			}
			body(t)
		})
	}
	all.Wait()
}

// The windows of bench/core/measure.h.
func runWindows(threads uint64, seconds float64, count int, samples int, operation func(t uint64, from, to int)) outcome {
	const betweenLooks = 128
	rates := make([]float64, count)
	var total outcome
	var mutex sync.Mutex // protects rates, total and workers
	workers := 0.0
	cpuBefore, collectorBefore := processCPU(), collectorCPU()
	onThreads(threads, func(t uint64) {
		cpu := threadCPU()
		k, operations := 0, uint64(0)
		until := func(end float64) float64 {
			for {
				stop := min(k+betweenLooks, samples)
				operation(t, k, stop)
				operations += uint64(stop - k)
				k = stop
				if k == samples {
					k = 0
				}
				if now := wall(); now >= end {
					return now
				}
			}
		}
		began := until(wall() + 10*seconds)
		first := began
		own := make([]float64, count)
		for w := range own {
			before := operations
			ended := until(first + float64(w+1)*seconds)
			own[w] = float64(operations-before) / (ended - began)
			began = ended
		}
		mutex.Lock()
		defer mutex.Unlock()
		for w, rate := range own {
			rates[w] += rate
		}
		total.Operations += operations
		workers += threadCPU() - cpu
	})
	total.Rates = rates
	total.BackgroundNs = 1e9 * max(0, processCPU()-cpuBefore-workers) / float64(total.Operations)
	total.CollectorNs = 1e9 * (collectorCPU() - collectorBefore) / float64(total.Operations)
	return total
}

// The cells.

func insert(c cell, streams [][]string, windows int) outcome {
	held := make([][]unique.Handle[string], c.threads)
	for t := range held {
		held[t] = make([]unique.Handle[string], len(streams[t]))
	}
	batches := c.distinct < 100_000
	rounds := 1
	if batches {
		rounds = 10 * windows // each waits for a collection that empties the table
	}
	var total outcome
	workers, process, collector := 0.0, 0.0, 0.0
	for range rounds {
		before := heapInUse()
		starts, ends := make([]float64, c.threads), make([]float64, c.threads)
		var mutex sync.Mutex // protects workers
		cpuBefore, collectorBefore := processCPU(), collectorCPU()
		onThreads(c.threads, func(t uint64) {
			keys, own, cpu := streams[t], held[t], threadCPU()
			starts[t] = wall()
			for k, key := range keys {
				own[k] = unique.Make(key)
			}
			ends[t] = wall()
			mutex.Lock()
			defer mutex.Unlock()
			workers += threadCPU() - cpu
		})
		process += processCPU() - cpuBefore
		collector += collectorCPU() - collectorBefore
		first, last := starts[0], ends[0]
		for t := range starts {
			first, last = min(first, starts[t]), max(last, ends[t])
		}
		operations := c.threads * uint64(len(streams[0]))
		total.Rates = append(total.Rates, float64(operations)/(last-first))
		total.Operations += operations
		if !batches {
			bytes := float64(heapInUse()-before)/float64(operations) - float64(c.keyBytes)
			total.BytesPerEntry = &bytes
		}
		for t := range held {
			check(held[t], streams[t])
			clear(held[t])
		}
	}
	total.BackgroundNs = 1e9 * max(0, process-workers) / float64(total.Operations)
	total.CollectorNs = 1e9 * collector / float64(total.Operations)
	return total
}

func check(held []unique.Handle[string], keys []string) {
	for k := 0; k < len(keys); k += 997 {
		if held[k].Value() != keys[k] {
			fail("not the value that was interned")
		}
	}
}

// The loops write here, so that no result is unused. One for each thread, a cache line apart.
var kept [64]struct {
	handle unique.Handle[string]
	_      [56]byte
}

func steady(c cell, orders [][]uint32, seconds float64, windows int) outcome {
	var held []unique.Handle[string]
	var bytes *float64
	if c.workload != "churn" {
		held = make([]unique.Handle[string], c.distinct)
		before := heapInUse()
		for i := range held {
			held[i] = unique.Make(stream([]uint32{uint32(i)}, c.keyBytes)[0])
		}
		if c.distinct >= 100_000 {
			each := (float64(heapInUse())-float64(before))/float64(c.distinct) - float64(c.keyBytes)
			bytes = &each
		}
	}
	streams := make([][]string, c.threads)
	for t := range streams {
		streams[t] = stream(orders[t], c.keyBytes)
	}
	if c.workload == "hit" {
		for k := 0; k < len(orders[0]); k += 997 {
			if unique.Make(streams[0][k]) != held[orders[0][k]] {
				fail("two values for one key")
			}
		}
	}
	total := runWindows(c.threads, seconds, windows, len(streams[0]), func(t uint64, from, to int) {
		var last unique.Handle[string]
		for _, key := range streams[t][from:to] {
			last = unique.Make(key)
		}
		kept[t].handle = last
	})
	before := processCPU()
	runtime.GC()
	total.CollectionMs = 1e3 * (processCPU() - before)
	total.BytesPerEntry = bytes
	runtime.KeepAlive(held)
	runtime.KeepAlive(streams)
	return total
}

func fail(message string) {
	fmt.Fprintf(os.Stderr, "%s: %s\n", os.Args[0], message)
	os.Exit(1)
}

func number(text string) uint64 {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n == 0 {
		fail("not a count: " + text)
	}
	return n
}

func main() {
	if len(os.Args) != 8 {
		fail("usage: PROGRAM WORKLOAD KEY_BYTES DISTINCT THREADS HASH WINDOW_MS WINDOWS")
	}
	if os.Args[5] != "own" {
		fail("unique has only its own hash")
	}
	c := cell{os.Args[1], number(os.Args[2]), number(os.Args[3]), number(os.Args[4])}
	seconds, windows := float64(number(os.Args[6]))/1000, int(number(os.Args[7]))
	orders := make([][]uint32, c.threads)
	for t := range orders {
		orders[t] = order(c, uint64(t))
	}
	var result outcome
	if c.workload == "insert" {
		streams := make([][]string, c.threads)
		for t := range streams {
			streams[t] = stream(orders[t], c.keyBytes)
		}
		result = insert(c, streams, windows)
	} else {
		result = steady(c, orders, seconds, windows)
	}
	result.Fingerprint = fingerprint(orders[0])
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		fail(err.Error())
	}
}
