mod claim;
mod cross_signing;
mod device_keys;
mod one_time;
mod people;
mod signatures;
