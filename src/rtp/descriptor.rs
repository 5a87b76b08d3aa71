//! The Dependency Descriptor.
