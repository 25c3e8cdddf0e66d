//! The picture and the files that people of the demo send.

use std::io::Cursor;

use image::{ImageFormat, Rgb, RgbImage};

use super::DemoError;

pub(super) const WIDTH: u32 = 1_200;
pub(super) const HEIGHT: u32 = 800;

const SKY: Rgb<u8> = Rgb([176, 190, 200]);
const HILLS: Rgb<u8> = Rgb([92, 116, 96]);
const STONE: Rgb<u8> = Rgb([196, 180, 152]);
const WATER: Rgb<u8> = Rgb([122, 104, 78]);
const FOAM: Rgb<u8> = Rgb([150, 133, 106]);

/// A bridge over high water, as a PNG.
pub(super) fn bridge_in_flood() -> Result<Vec<u8>, DemoError> {
    let picture = RgbImage::from_fn(WIDTH, HEIGHT, |x, y| {
        let hills = 300 + wave(x, 260.0, 30.0) + wave(x, 90.0, 8.0);
        let waterline = 560 + wave(x, 70.0, 5.0);
        let deck = 380..430;
        // Piers every 300 pixels, arches between them.
        let from_pier = i64::from(x % 300) - 150;
        let arch = 430 + (150 * 150 - from_pier * from_pier) / 200;
        let row = i64::from(y);
        if row >= waterline {
            if (row + wave(x, 40.0, 9.0)) % 38 < 3 { FOAM } else { WATER }
        } else if deck.contains(&row) || (row >= 430 && row > arch - 60 && from_pier.abs() > 118) {
            STONE
        } else if row >= hills {
            HILLS
        } else {
            SKY
        }
    });
    let mut png = Cursor::new(Vec::new());
    picture.write_to(&mut png, ImageFormat::Png).map_err(DemoError::unexpected)?;
    Ok(png.into_inner())
}

#[expect(clippy::cast_possible_truncation, reason = "a few pixels")]
fn wave(x: u32, length: f64, height: f64) -> i64 {
    (f64::from(x) / length).sin().mul_add(height, 0.0) as i64
}

/// The levels of the river, as a table.
pub(super) fn levels() -> Vec<u8> {
    let mut table = String::from("jour;heure;Vaulx (cm);Pont-Neuf (cm);Saint-Loup (cm)\r\n");
    for (step, rise) in [5, 7, 10, 24, 29, 36, 44, 74, 85].into_iter().enumerate() {
        // The first day began at 10 h and had three readings, the others have four.
        let (day, hour) = if step < 3 {
            (1, 10 + step * 4)
        } else {
            ((step - 3) / 4 + 2, 8 + (step - 3) % 4 * 4)
        };
        let row = format!("{day};{hour} h;{};{};{}\r\n", 212 + rise, 187 + rise, 243 + rise);
        table.push_str(&row);
    }
    table.into_bytes()
}

/// The plan of a note.
pub(super) fn plan() -> Vec<u8> {
    "Note de synthèse : crue du Val-d’Orne\n\n\
     1. Les faits, jour par jour\n\
     2. Ce qui a tenu : la cellule, les transferts de Brives, les gymnases\n\
     3. Ce qui a manqué : une sirène, deux cars, du sommeil\n\
     4. Propositions\n"
        .as_bytes()
        .to_vec()
}
