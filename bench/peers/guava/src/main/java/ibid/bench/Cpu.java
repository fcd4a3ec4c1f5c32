// SPDX-License-Identifier: Apache-2.0
package ibid.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Processor time, in seconds: of this thread, of the process, and of the collector's own threads. */
final class Cpu {
    private static final List<String> COLLECTORS = List.of("GC ", "G1 ", "VM Thread", "Reference");

    private Cpu() {}

    static double thread() {
        return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() / 1e9;
    }

    static double process() {
        return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
                        .getProcessCpuTime() / 1e9;
    }

    /**
     * The garbage collector's MXBean reports only pauses, but much of G1's work is concurrent. So this reads from the kernel
     * the CPU time of the threads with HotSpot's names for collector threads.
     */
    static double collector() {
        double sum = 0;
        try (DirectoryStream<Path> tasks = Files.newDirectoryStream(Path.of("/proc/self/task"))) {
            for (Path task : tasks) {
                sum += collector(task);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return sum;
    }

    private static double collector(Path task) {
        try {
            String name = Files.readString(task.resolve("comm"));
            boolean collects = COLLECTORS.stream().anyMatch(name::startsWith);
            String nanoseconds = Files.readString(task.resolve("schedstat")).split(" ")[0];
            return collects ? Double.parseDouble(nanoseconds) / 1e9 : 0;
        } catch (IOException e) {
            return 0; // a thread that has just ended: a compiler thread, because collector threads do not end
        }
    }
}
