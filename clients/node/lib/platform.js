'use strict';

// Packages with a built addon, one for each platform: npm installs the package for this platform.

const { platform, arch, report } = process;

const PLATFORMS = {
  'factstr-linux-x64-gnu': { os: ['linux'], cpu: ['x64'], libc: ['glibc'] },
  'factstr-linux-x64-musl': { os: ['linux'], cpu: ['x64'], libc: ['musl'] },
  'factstr-linux-arm64-gnu': { os: ['linux'], cpu: ['arm64'], libc: ['glibc'] },
};

function packageName() {
  if (platform !== 'linux') return `factstr-${platform}-${arch}`;
  const libc = report.getReport().header.glibcVersionRuntime ? 'gnu' : 'musl';
  return `factstr-${platform}-${arch}-${libc}`;
}

module.exports = { PLATFORMS, packageName };
