//! Who is in the demo.

/// Everybody's password in the demo.
pub(super) const PASSWORD: &str = "lavande tunnel cadran ficelle";

/// Somebody to sign in as.
pub(super) struct Resident {
    pub(super) name: &'static str,
    pub(super) email: &'static str,
    /// Twelve words of BIP-39's French list, with their checksum.
    pub(super) recovery_code: &'static str,
}

/// The people to sign in as.
pub(super) const RESIDENTS: [Resident; 5] = [
    Resident {
        name: "Claire Martin",
        email: "claire.martin@interieur.example",
        recovery_code: "buffle agencer rocheux tarif lionceau samedi fortune anodin gustatif vidange tyran niveau",
    },
    Resident {
        name: "Samir Benali",
        email: "samir.benali@interieur.example",
        recovery_code: "symbole venimeux codifier incliner accolade ethnie murmure pourpre frotter solitude unifier effigie",
    },
    Resident {
        name: "Awa Koné",
        email: "awa.kone@justice.example",
        recovery_code: "vallon cerner destrier exiler fugitif arriver mobile jupon irradier jeunesse verser social",
    },
    Resident {
        name: "Hugo Petit",
        email: "hugo.petit@interieur.example",
        recovery_code: "parure limer glaive verrou syllabe cigare incarner sulfate caillou cadeau petit chance",
    },
    Resident {
        name: "Léa Dubois",
        email: "lea.dubois@justice.example",
        recovery_code: "hilarant loisir intact sursaut typique kimono maussade imposer phoque jaillir cosmique colibri",
    },
];

/// The others of the group: name and address. Those of [`super::script`] write, too.
pub(super) const COLLEAGUES: [(&str, &str); 25] = [
    ("Nadia Cherif", "nadia.cherif@interieur.example"),
    ("Julien Moreau", "julien.moreau@interieur.example"),
    ("Sophie Lambert", "sophie.lambert@justice.example"),
    ("Karim Haddad", "karim.haddad@interieur.example"),
    ("Élodie Fournier", "elodie.fournier@interieur.example"),
    ("Thomas Girard", "thomas.girard@justice.example"),
    ("Mariam Diallo", "mariam.diallo@interieur.example"),
    ("Antoine Lefèvre", "antoine.lefevre@interieur.example"),
    ("Camille Rousseau", "camille.rousseau@justice.example"),
    ("Mehdi Amrani", "mehdi.amrani@interieur.example"),
    ("Inès Garnier", "ines.garnier@interieur.example"),
    ("Paul Chevalier", "paul.chevalier@interieur.example"),
    ("Fatou Ndiaye", "fatou.ndiaye@justice.example"),
    ("Lucie Perrin", "lucie.perrin@interieur.example"),
    ("Maxime Colin", "maxime.colin@interieur.example"),
    ("Sarah Lévy", "sarah.levy@justice.example"),
    ("Romain Gauthier", "romain.gauthier@interieur.example"),
    ("Yasmine Belkacem", "yasmine.belkacem@interieur.example"),
    ("Olivier Marchand", "olivier.marchand@justice.example"),
    ("Chloé Barbier", "chloe.barbier@interieur.example"),
    ("Nicolas Faure", "nicolas.faure@interieur.example"),
    ("Linh Nguyen", "linh.nguyen@interieur.example"),
    ("Gaëlle Le Goff", "gaelle.le-goff@interieur.example"),
    ("Bastien Roux", "bastien.roux@justice.example"),
    ("Amélie Carpentier", "amelie.carpentier@interieur.example"),
];

/// What follows a name: "Claire Martin [Intérieur]".
pub(super) fn organisation(email: &str) -> &'static str {
    if email.ends_with("@justice.example") { "Justice" } else { "Intérieur" }
}
